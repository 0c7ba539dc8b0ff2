"""longhand: small transformers that do arithmetic, checked on every problem of their domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from longhand.version import __version__

__all__ = [
    "Completion",
    "Domain",
    "Problem",
    "Solver",
    "UserError",
    "Verdict",
    "__version__",
    "judge",
    "load",
]

if TYPE_CHECKING:
    from longhand.arithmetic.domain import Domain as Domain
    from longhand.arithmetic.problem import Problem as Problem
    from longhand.arithmetic.verdict import Verdict as Verdict
    from longhand.arithmetic.verdict import judge as judge
    from longhand.errors import UserError as UserError
    from longhand.solvers.base import Completion as Completion
    from longhand.solvers.base import Solver as Solver
    from longhand.solvers.load import load as load

_HOME = {
    "Completion": "longhand.solvers.base",
    "Domain": "longhand.arithmetic.domain",
    "Problem": "longhand.arithmetic.problem",
    "Solver": "longhand.solvers.base",
    "UserError": "longhand.errors",
    "Verdict": "longhand.arithmetic.verdict",
    "judge": "longhand.arithmetic.verdict",
    "load": "longhand.solvers.load",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `import longhand` stays light and free of torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'longhand' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
