"""Where a model is, however it is named: by a path, as a version in a registry, or as one that comes with longhand."""

from __future__ import annotations

from pathlib import Path

from longhand.errors import UserError
from longhand.registry.reference import names_a_version
from longhand.shipped import model_path


def find_model(given: str | Path) -> Path:
    """The directory of a model: a path, `NAME@ALIAS` or `NAME:VERSION` of the registry, or a shipped name.

    The registry is the folder or URL in LONGHAND_REGISTRY, else `registry/` here; what is asked for is fetched into the
    cache. A file of weights is itself. Raises `UserError` if there is no such model, or if it is damaged.
    """
    if not names_a_version(given):
        return model_path(given)
    from longhand.registry.fetch import fetch
    from longhand.registry.store import open_store

    return fetch(open_store(), str(given))


def refuse_version(given: str | Path) -> None:
    """Raise `UserError` for a version in a registry where a model is to be changed: versions never change."""
    if names_a_version(given):
        raise UserError(
            f"{given} is a version in the registry, which never changes; work on a copy:"
            f" longhand registry pull {given} DIRECTORY"
        )
