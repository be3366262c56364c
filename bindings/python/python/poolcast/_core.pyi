"""The compiled part of poolcast."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from os import PathLike
from typing import Any, Literal, Protocol, Self, TypeAlias, final, type_check_only

__all__ = [
    "Bounds",
    "Diagnostic",
    "Feed",
    "Formula",
    "Frame",
    "Outcome",
    "Range",
    "Read",
    "Run",
    "Scenario",
    "Simulation",
    "Verdict",
    "__version__",
    "check",
    "measure",
    "metrics",
    "simulate",
]
__version__: str

_Time: TypeAlias = int | float | str | datetime
"""Epoch seconds, ISO 8601 text, or a datetime (UTC when it has no zone)."""

@type_check_only
class _ArrowFrame(Protocol):
    """Anything that speaks the Arrow PyCapsule interface: pyarrow, pandas, polars, duckdb and others."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Diagnostic:
    """One finding about a formula. Lines and columns count from 1; start and end are byte offsets."""

    def __new__(
        cls,
        code: str,
        severity: str,
        message: str,
        label: str,
        line: int,
        column: int,
        start: int,
        end: int,
        notes: list[str],
        help: list[str],
        fixes: list[tuple[str, bool, list[tuple[int, int, str]]]],
    ) -> Self: ...
    code: str
    severity: Literal["error", "warning", "note"]
    message: str
    label: str
    line: int
    column: int
    start: int
    end: int
    notes: list[str]
    help: list[str]
    fixes: list[tuple[str, bool, list[tuple[int, int, str]]]]

@final
class Read:
    """What a formula reads of one metric."""

    metric: str
    look_back: float | None
    newest: int

@final
class Outcome:
    """What one evaluation decided."""

    @property
    def dedicated(self) -> int | None: ...
    @property
    def low_priority(self) -> int | None: ...
    @property
    def option(self) -> Literal["requeue", "terminate", "taskcompletion", "retaineddata"]: ...
    @property
    def results(self) -> str: ...
    @property
    def stopped(self) -> bool: ...
    @property
    def variables(self) -> dict[str, float | list[float] | str]: ...

@final
class Feed:
    """Recent samples of every metric and the pool's present state; safe to share between threads."""

    def __new__(cls, keep: float | timedelta | None = None, *, forever: bool = False) -> Self: ...
    def push(self, metric: str, time: _Time, value: float) -> None: ...
    def extend(self, metric: str, times: Any, values: Any) -> int: ...
    def add(self, frame: _ArrowFrame) -> int: ...
    def set_pool(
        self,
        *,
        targets: tuple[int, int] | None = None,
        nodes: tuple[int, int] | None = None,
        task_slots: int | None = None,
        seed: int | None = None,
    ) -> None: ...
    def clear(self) -> None: ...
    def counts(self) -> dict[str, int]: ...
    def __len__(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Range:
    """What a target can be, proved."""

    low: int
    high: int | None
    may_stay: bool

@final
class Bounds:
    """What a formula can ask for, proved."""

    dedicated: Range | None
    low_priority: Range | None
    can_fail: bool

@final
class Verdict:
    """What came of an assertion."""

    verdict: Literal["proved", "refuted", "unknown"]
    reason: str | None
    witness: str | None
    scenario: str | None

@final
class Formula:
    """A compiled formula."""

    def __new__(
        cls,
        source: str,
        *,
        like_service: bool = False,
        strict: bool = False,
        engine: Literal["auto", "jit", "interp"] = "auto",
    ) -> Self: ...
    @property
    def source(self) -> str: ...
    @property
    def engine(self) -> Literal["jit", "interp"]: ...
    @property
    def reads(self) -> list[Read]: ...
    def check(self) -> list[Diagnostic]: ...
    def evaluate(
        self,
        samples: Feed | Mapping[str, Any] | _ArrowFrame,
        now: _Time,
        *,
        targets: tuple[int, int] | None = None,
        nodes: tuple[int, int] | None = None,
        task_slots: int | None = None,
        seed: int | None = None,
    ) -> Outcome: ...
    def targets(self, feed: Feed, now: _Time) -> tuple[int | None, int | None, str]: ...
    def bounds(self, *, quota: int | None = None, assume: str | None = None) -> Bounds: ...
    def prove(
        self, assertion: str, *, quota: int | None = None, assume: str | None = None, budget: int | None = None
    ) -> Verdict: ...
    def evaluate_many(
        self, feeds: Sequence[Feed], now: _Time
    ) -> list[tuple[int | None, int | None, str] | Exception]: ...

@final
class Frame:
    """A table that speaks the Arrow PyCapsule interface."""

    @property
    def columns(self) -> list[str]: ...
    def __len__(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Run:
    """What came of a run. Equal digests are equal runs."""

    @property
    def measures(self) -> dict[str, float]: ...
    @property
    def findings(self) -> list[str]: ...
    @property
    def digest(self) -> str: ...
    @property
    def events(self) -> int: ...
    @property
    def tables(self) -> list[str]: ...
    def table(self, name: str) -> Frame: ...

@final
class Scenario:
    """A scenario, with the changes it was made with."""

    def __new__(
        cls,
        text: str,
        *,
        json: bool = False,
        base: str | PathLike[str] = ...,
        name: str = ...,
        formula: str | None = None,
        workload: str | None = None,
        seed: int | None = None,
        until: str | None = None,
        set: Sequence[str] = ...,
    ) -> Self: ...
    @staticmethod
    def load(path: str | PathLike[str]) -> Scenario: ...
    def replace(
        self,
        *,
        formula: str | None = None,
        workload: str | None = None,
        cpus_per_slot: int | None = None,
        seed: int | None = None,
        until: str | None = None,
        set: Sequence[str] = ...,
    ) -> Scenario: ...
    @property
    def name(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def horizon(self) -> float: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def text(self) -> str: ...

@final
class Simulation:
    """A scenario under way."""

    def __new__(cls, scenario: Scenario) -> Self: ...
    @property
    def now(self) -> float: ...
    @property
    def pools(self) -> list[dict[str, Any]]: ...
    def run(self) -> None: ...
    def run_until(self, until: _Time) -> None: ...
    def step(self) -> bool: ...
    def fork(self) -> Simulation: ...
    def result(self) -> Run: ...

def simulate(
    scenario: Scenario | str | PathLike[str],
    *,
    formula: str | None = None,
    workload: str | None = None,
    seed: int | None = None,
    until: str | None = None,
    set: Sequence[str] = ...,
) -> Run: ...
def measure(
    scenario: Scenario | str | PathLike[str], formula: str | None, seed: int | None, set: Sequence[str] = ...
) -> tuple[str, int, dict[str, float]]: ...
def check(source: str, *, strict: bool = False) -> list[Diagnostic]: ...
def metrics() -> list[str]: ...
