"""Know what an Azure Batch pool will do before it does it.

Check, evaluate and simulate Azure Batch autoscale formulas::

    import poolcast

    formula = poolcast.Formula("$TargetDedicatedNodes = min(10, avg($PendingTasks.GetSample(5 * TimeInterval_Minute)));")
    outcome = formula.evaluate({"PendingTasks": [4, 6, 8, 8, 8, 8, 8, 8, 8, 8]}, "2026-01-05T08:00:00Z")
    assert outcome.dedicated == 8
"""

from ._core import (
    Diagnostic,
    Feed,
    Formula,
    Frame,
    Outcome,
    Read,
    Run,
    Scenario,
    Simulation,
    __version__,
    check,
    metrics,
    simulate,
)
from ._errors import CompileError, EvaluationError, InputError, PoolcastError
from ._sweep import SweepResult, sweep

__all__ = [
    "CompileError",
    "Diagnostic",
    "EvaluationError",
    "Feed",
    "Formula",
    "Frame",
    "InputError",
    "Outcome",
    "PoolcastError",
    "Read",
    "Run",
    "Scenario",
    "Simulation",
    "SweepResult",
    "__version__",
    "check",
    "metrics",
    "simulate",
    "sweep",
]
