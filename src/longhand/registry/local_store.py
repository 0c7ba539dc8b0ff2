"""A registry in a folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from longhand.atomic import create_file, replacing_file
from longhand.errors import UserError


class LocalStore:
    """Files below a folder, which is made by the first that is written. Names that begin with a dot are its own."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self._folder = root

    def read(self, path: str) -> bytes:
        """The bytes of a file; raises `FileNotFoundError` if there is none."""
        try:
            return (self._folder / path).read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise UserError(f"cannot read {self._folder / path}: {error.strerror or error}") from error

    def create(self, path: str, content: bytes) -> None:
        """Write a new file; raises `FileExistsError` if there is one, which stays as it is."""
        create_file(self._folder / path, content)

    def swap(self, path: str, old: bytes | None, new: bytes) -> bool:
        """Write a file if it still holds `old` (None: is not there); otherwise leave it and return false."""
        file = self._folder / path
        with _locked(file):
            try:
                found = self.read(path)
            except FileNotFoundError:
                found = None
            if found != old:
                return False
            with replacing_file(file) as temporary:
                temporary.write_bytes(new)
            return True

    def names(self, folder: str) -> list[str]:
        """The names of what lies directly in a folder, sorted; none if there is no such folder."""
        try:
            return sorted(entry.name for entry in (self._folder / folder).iterdir() if not entry.name.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"cannot read {self._folder / folder}: {error.strerror or error}") from error


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Keep other processes out of a file until the block ends; the system lets go of it when a process dies."""
    with ExitStack() as stack:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o666)
            stack.callback(os.close, handle)
            _lock(handle)
        except OSError as error:
            raise UserError(f"cannot lock {file}: {error.strerror or error}") from error
        yield


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)
