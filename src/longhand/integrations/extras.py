"""Packages that only some need, and the command that installs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from longhand.errors import UserError


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import a package of the extra `name` in here: if it is not installed, `UserError` says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(f"this needs {error.name}, which is not installed: pip install 'longhand[{name}]'") from error
