"""A registry in a bucket of Amazon S3 or of any server that speaks its protocol."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from longhand.errors import UserError

_CONFLICTS = (409, 412)
"""What a server answers when a condition does not hold, or when somebody else is writing the same file."""


class S3Store:
    """Files below `s3://BUCKET/PATH`, read and written by s3fs, which finds credentials and endpoint where all do.

    A bucket has no locks; writing is safe because the server is asked to check a condition in the same step
    (`If-None-Match: *`, `If-Match: ETAG`). A server that takes such a request without checking is found out by the
    first write, and refused. One store serves all threads of a process; another process opens its own.
    """

    def __init__(self, url: str) -> None:
        try:
            import s3fs
            from botocore.exceptions import BotoCoreError
        except ModuleNotFoundError as error:
            raise UserError(f"{url} needs {error.name}, which is not installed: pip install 'longhand[s3]'") from error
        self._base = url.removeprefix("s3://").strip("/")
        self.root = f"s3://{self._base}"
        if not self._base:
            raise UserError(f"{url} names no bucket; a registry is at s3://BUCKET/PATH")
        self._own_errors = BotoCoreError
        for name in ("botocore", "aiobotocore"):  # where credentials were found is nothing to tell at every command
            logging.getLogger(name).setLevel(logging.WARNING)
        # A listing that is kept would hide the versions of others; one that cannot be had should fail in seconds.
        self._files = s3fs.S3FileSystem(
            use_listings_cache=False,
            max_concurrency=1,  # a file is read by one request, and so from one moment
            config_kwargs={"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 2}},
        )
        self._creates_checked = self._swaps_checked = False

    def read(self, path: str) -> bytes:
        """The bytes of a file; raises `FileNotFoundError` if there is none."""
        with self._naming("read", path):
            content: bytes = self._files.cat_file(self._at(path))
            return content

    def create(self, path: str, content: bytes) -> None:
        """Write a new file; raises `FileExistsError` if there is one, which stays as it is."""
        if not self._put(path, content, mode="create"):
            raise FileExistsError(path)
        if not self._creates_checked:
            if self._put(path, content, mode="create"):
                raise self._unchecked("If-None-Match")
            self._creates_checked = True

    def swap(self, path: str, old: bytes | None, new: bytes) -> bool:
        """Write a file if it still holds `old` (None: is not there); otherwise leave it and return false."""
        if old is None:
            try:
                self.create(path, new)
            except FileExistsError:
                return False
            return True
        try:
            with self._naming("read", path):
                # The tag comes first: of a file that changes before it is read, this one is already old.
                tag = self._files.info(self._at(path))["ETag"]
            if self.read(path) != old:
                return False
        except FileNotFoundError:
            return False
        if not self._put(path, new, IfMatch=tag):
            return False
        if not self._swaps_checked:
            if new != old and self._put(path, new, IfMatch=tag):
                raise self._unchecked("If-Match")
            self._swaps_checked = True
        return True

    def names(self, folder: str) -> list[str]:
        """The names of what lies directly in a folder, sorted; none if there is no such folder."""
        try:
            with self._naming("read", folder):
                found = self._files.ls(self._at(folder), detail=False)
        except FileNotFoundError:
            return []
        return sorted({name.rstrip("/").rpartition("/")[2] for name in found} - {""})

    def _at(self, path: str) -> str:
        return f"{self._base}/{path}".rstrip("/")

    def _put(self, path: str, content: bytes, **condition: str) -> bool:
        """Write under a condition (`mode="create"` is s3fs' word for If-None-Match); false if it does not hold."""
        try:
            with self._naming("write", path):
                self._files.pipe_file(self._at(path), content, **condition)
        except _ConditionError:
            return False
        return True

    @contextmanager
    def _naming(self, act: str, path: str) -> Iterator[None]:
        """Say in one line what did not work, apart from files that are missing and conditions that do not hold."""
        try:
            yield
        except (OSError, self._own_errors) as error:
            answer = _answer(error)
            if act == "write" and answer.get("ResponseMetadata", {}).get("HTTPStatusCode") in _CONFLICTS:
                raise _ConditionError(path) from error
            code = answer.get("Error", {}).get("Code")
            if isinstance(error, FileNotFoundError) and code != "NoSuchBucket":
                raise
            reason = (
                "there is no such bucket" if code == "NoSuchBucket" else (str(error).splitlines() or [repr(error)])[0]
            )
            raise UserError(f"cannot {act} {self.root}/{path}: {reason}") from error

    def _unchecked(self, header: str) -> UserError:
        return UserError(
            f"{self.root} takes {header} without checking it, so that two pushes at once could overwrite each other;"
            " use a server with conditional writes"
        )


class _ConditionError(Exception):
    pass


def _answer(error: BaseException) -> dict[str, Any]:
    """What the server said, as botocore keeps it; s3fs raises an error of its own from that."""
    found: Any = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
    return found if isinstance(found, dict) else {}
