"""What a user may get wrong, and how the program says so."""

from __future__ import annotations

import importlib
from types import ModuleType


class UserError(ValueError):
    """A mistake in what the user asked for: one line with the offending value and the remedy.

    The command line prints the message and exits with status 2, without a traceback.
    """


def require(module: str, extra: str) -> ModuleType:
    """Import an optional module, or raise `UserError` with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise  # the module is there and fails on an import of its own: that is not the user's mistake
        raise UserError(f'this needs {module}; install it with: pip install "longhand[{extra}]"') from error
