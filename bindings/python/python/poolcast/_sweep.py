"""Many runs: formulas × settings × seeds, here or on any executor.

A run is a pure function of (scenario, formula, settings, seed), so it has a key. Doing it twice gives the same row, a lost
worker costs only time, and what is already in the store is not done again.
"""

from __future__ import annotations

import hashlib
import os
import queue
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ._core import Scenario, __version__, measure
from ._errors import InputError, PoolcastError

__all__ = ["SweepResult", "sweep"]

#: Raise when rows of one key could differ: a change of the simulation, of a measure, of a column.
_FORMAT = 1


def _key(fingerprint: str, formula: str | None, settings: Sequence[str], seed: int) -> str:
    """What a run is: everything its row depends on, but not where it happens."""
    digest = hashlib.sha256()
    for part in [str(_FORMAT), __version__, fingerprint, formula or "", *settings, str(seed)]:
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()[:32]


def _work(scenario: Scenario, units: Sequence[tuple]) -> list[dict[str, Any]]:
    """Some runs, wherever this happens to be called. Pure, so calling it twice does no harm."""
    rows = []
    for key, name, text, settings, seed in units:
        digest, events, measures = measure(scenario, text, seed, list(settings))
        rows.append(
            {"key": key, "formula": name, "settings": " ".join(settings), "seed": seed, "digest": digest, "events": events}
            | measures
        )
    return rows


class SweepResult(Sequence):
    """The rows of a sweep, one for each run, in the order of formulas, then settings, then seeds.

    A sequence of dicts; also a frame: ``pyarrow.table(result)``, ``polars.DataFrame(result)``, ``result.to_pandas()``.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]):
        self._rows = [dict(r) for r in rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index):
        return SweepResult(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)

    def __eq__(self, other) -> bool:
        return isinstance(other, SweepResult) and self._rows == other._rows

    def __repr__(self) -> str:
        return f"<SweepResult of {len(self)} runs>"

    def to_arrow(self):
        """A ``pyarrow.Table``."""
        import pyarrow as pa

        if not self._rows:
            return pa.table({"key": pa.array([], pa.string())})
        return pa.table({name: [row[name] for row in self._rows] for name in self._rows[0]})

    def __arrow_c_stream__(self, requested_schema=None):
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_pandas(self):
        """A ``pandas.DataFrame``."""
        return self.to_arrow().to_pandas()

    def to_parquet(self, path) -> None:
        """Write a Parquet file; the same rows give the same bytes."""
        _write(self._rows, Path(path))


def _write(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A Parquet file that is there whole or not at all."""
    import pyarrow.parquet as pq

    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-", suffix=".tmp")
    os.close(handle)
    try:
        pq.write_table(SweepResult(rows).to_arrow(), temporary, compression="zstd")
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _stored(store: Path) -> dict[str, dict[str, Any]]:
    """The rows of earlier sweeps. Files that cannot be read are left alone: their runs are done again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: dict[str, dict[str, Any]] = {}
    for path in sorted(store.glob("part-*.parquet")):
        try:
            found = pq.read_table(path).to_pylist()
        except (pa.ArrowInvalid, OSError):
            continue
        rows.update((row["key"], row) for row in found)
    return rows


def sweep(
    scenario: Scenario | str | os.PathLike,
    formulas: Mapping[str, str] | Sequence[str] | None = None,
    seeds: Iterable[int] = range(10),
    *,
    settings: Iterable[Sequence[str]] = ((),),
    executor: Any = None,
    store: str | os.PathLike | None = None,
    chunk: int = 8,
    attempts: int = 3,
) -> SweepResult:
    """Run every formula with every seed (and every list of ``knob=value`` settings) and collect one row for each run.

    ``formulas`` maps names to texts, or is a sequence of texts; None keeps the scenario's own. ``executor`` is anything with
    ``submit(function, *arguments)`` that gives futures with ``result()`` and ``add_done_callback()``: an executor of
    ``concurrent.futures``, a Dask ``Client``; None uses threads, which run side by side because the lock is released.
    ``store`` is a directory for finished rows, in Parquet: what is there is not done again. A ``chunk`` of runs that is lost
    with its worker is tried ``attempts`` times in all. The result is the same whatever the executor.
    """
    if not isinstance(scenario, Scenario):
        scenario = Scenario.load(os.fspath(scenario))
    if formulas is None:
        named: list[tuple[str, str | None]] = [("", None)]
    elif isinstance(formulas, Mapping):
        named = list(formulas.items())
    elif isinstance(formulas, str):
        raise InputError("formulas is a mapping of names to texts, or a sequence of texts; not one text")
    else:
        named = [(f"formula {i}", text) for i, text in enumerate(formulas, 1)]
    if chunk < 1 or attempts < 1:
        raise InputError("chunk and attempts are at least 1")
    seeds = [int(s) for s in seeds]
    settings = [tuple(s) for s in settings]
    for given in settings:
        if any(not isinstance(s, str) or "=" not in s for s in given):
            raise InputError("settings are lists of `knob=value`")
    fingerprint = scenario.fingerprint
    units = [
        (_key(fingerprint, text, given, seed), name, text, given, seed)
        for name, text in named
        for given in settings
        for seed in seeds
    ]

    directory = None if store is None else Path(store)
    done: dict[str, dict[str, Any]] = {}
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        done = _stored(directory)
    missing = list({unit[0]: unit for unit in units if unit[0] not in done}.values())
    chunks = [missing[i : i + chunk] for i in range(0, len(missing), chunk)]
    if executor is None:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            _collect(threads, scenario, chunks, done, directory, attempts)
    else:
        _collect(executor, scenario, chunks, done, directory, attempts)
    # Names and order are this sweep's: a stored row may come from one that called the formula otherwise.
    return SweepResult(done[key] | {"formula": name} for key, name, *_ in units)


def _collect(executor, scenario, chunks, done, directory, attempts) -> None:
    """Submit chunks, take rows as they come, submit again what was lost."""
    finished: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    tries = [0] * len(chunks)
    pending: dict[int, Any] = {}

    def submit(index: int) -> None:
        tries[index] += 1
        key = f"poolcast-{chunks[index][0][0]}-{len(chunks[index])}-{tries[index]}"
        future = _submit(executor, key, scenario, chunks[index])
        pending[index] = future
        future.add_done_callback(lambda f, index=index: finished.put((index, f)))

    try:
        for index in range(len(chunks)):
            submit(index)
        while pending:
            index, future = finished.get()
            if pending.get(index) is not future:
                continue  # an earlier attempt that reported late
            del pending[index]
            try:
                rows = future.result()
            except PoolcastError:
                raise  # the same everywhere: trying again cannot help
            except Exception:
                if tries[index] >= attempts:
                    raise
                submit(index)
                continue
            fresh = [row for row in rows if row["key"] not in done]
            done.update((row["key"], row) for row in fresh)
            if directory is not None and fresh:
                name = hashlib.sha256("".join(row["key"] for row in fresh).encode()).hexdigest()[:32]
                _write(fresh, directory / f"part-{name}.parquet")
    finally:
        for future in pending.values():
            future.cancel()


def _submit(executor, key: str, scenario: Scenario, units) -> Future:
    if not isinstance(executor, Executor) and hasattr(executor, "scheduler_info"):
        # A Dask client: the key makes a chunk one task however often it is submitted; a lost worker's tasks move by themselves.
        return executor.submit(_work, scenario, units, key=key, pure=True, retries=2)
    return executor.submit(_work, scenario, units)
