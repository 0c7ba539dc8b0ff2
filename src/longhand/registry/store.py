"""What a registry is kept in: small files under paths, each of them whole, and two ways to write one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from longhand.errors import UserError

ROOT, ROOT_VARIABLE = "registry", "LONGHAND_REGISTRY"


class Store(Protocol):
    """Files by paths such as `add/versions/1/manifest.json`; what cannot be read or written is a `UserError`.

    Nobody ever sees a part of a file, and of several who write at once one succeeds: all that must not be lost or
    mixed up is built on that.
    """

    root: str
    """Where it is, as the user names it."""

    def read(self, path: str) -> bytes:
        """The bytes of a file; raises `FileNotFoundError` if there is none."""
        ...

    def create(self, path: str, content: bytes) -> None:
        """Write a new file; raises `FileExistsError` if there is one, which stays as it is."""
        ...

    def swap(self, path: str, old: bytes | None, new: bytes) -> bool:
        """Write a file if it still holds `old` (None: is not there); otherwise leave it and return false."""
        ...

    def names(self, folder: str) -> list[str]:
        """The names of what lies directly in a folder, sorted; none if there is no such folder."""
        ...


def open_store(root: str | Path | None = None) -> Store:
    """The store at a folder or `s3://BUCKET/PATH`; by default that of LONGHAND_REGISTRY, else `registry/` here.

    Nothing is read or written yet. Raises `UserError` for other addresses, and where S3 needs a package that is not
    installed.
    """
    chosen = str(root) if root is not None else os.environ.get(ROOT_VARIABLE) or ROOT
    if "://" not in chosen:
        from longhand.registry.local_store import LocalStore

        return LocalStore(Path(chosen))
    if not chosen.startswith("s3://"):
        raise UserError(f"{chosen} cannot be a registry: give a folder or s3://BUCKET/PATH")
    from longhand.registry.s3_store import S3Store

    return S3Store(chosen)
