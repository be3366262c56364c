"""What can go wrong. Every exception carries its facts as attributes and survives pickling."""

from __future__ import annotations

__all__ = ["PoolcastError", "CompileError", "EvaluationError", "InputError"]


class PoolcastError(Exception):
    """Base of everything poolcast raises about formulas, samples and scenarios."""


class CompileError(PoolcastError):
    """The formula is rejected.

    ``diagnostics`` lists every finding with its place; ``str()`` shows them with excerpts of the formula.
    """

    def __init__(self, text, diagnostics=()):
        super().__init__(text, diagnostics)
        self.diagnostics = list(diagnostics)

    def __str__(self):
        return self.args[0]


class EvaluationError(PoolcastError):
    """The evaluation failed, in the service's words. The pool stays as it is."""

    def __init__(self, code, message, value, line, column, results, metric=None):
        super().__init__(code, message, value, line, column, results, metric)
        self.code = code
        self.message = message
        self.value = value
        self.line = line
        self.column = column
        self.results = results
        self.metric = metric

    def __str__(self):
        return f"{self.code}: {self.message}; {self.value}"


class InputError(PoolcastError, ValueError):
    """Samples, a time, a name or a scenario that cannot be used. ``problems`` lists them all."""

    def __init__(self, text, problems=()):
        super().__init__(text, problems)
        self.problems = list(problems)

    def __str__(self):
        return self.args[0]
