"""Know what an Azure Batch pool will do before it does it.

Check, evaluate and simulate Azure Batch autoscale formulas::

    import poolcast

    formula = poolcast.Formula("$TargetDedicatedNodes = min(10, avg($PendingTasks.GetSample(5 * TimeInterval_Minute)));")
    outcome = formula.evaluate({"PendingTasks": [4, 6, 8, 8, 8, 8, 8, 8, 8, 8]}, "2026-01-05T08:00:00Z")
    assert outcome.dedicated == 8
"""

from ._core import (
    Bounds,
    Diagnostic,
    Feed,
    Formula,
    Frame,
    Outcome,
    Range,
    Read,
    Run,
    Scenario,
    Simulation,
    Verdict,
    __version__,
    check,
    metrics,
    simulate,
)
from ._errors import CompileError, EvaluationError, InputError, PoolcastError
from ._sweep import SweepResult, sweep

__all__ = [
    "Bounds",
    "CompileError",
    "Diagnostic",
    "EvaluationError",
    "Feed",
    "Formula",
    "Frame",
    "InputError",
    "Outcome",
    "PoolcastError",
    "Range",
    "Read",
    "Run",
    "Scenario",
    "Simulation",
    "SweepResult",
    "Verdict",
    "__version__",
    "check",
    "metrics",
    "simulate",
    "sweep",
]
