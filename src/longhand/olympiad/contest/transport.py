"""How a gateway and a server talk: frames over a socket of this machine, and never anything that could run as code.

The host speaks gRPC. What counts is the same here: the types that `predict` sees and what becomes of what it returns.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from longhand.errors import UserError
from longhand.olympiad.contest.contract import InvalidSubmissionError
from longhand.olympiad.contest.frames import as_frame, import_polars

if TYPE_CHECKING:
    import polars as pl

_FRAME, _OTHER, _RAISED = b"F", b"O", b"R"


_LONGEST_PATH = 100


@contextmanager
def new_address() -> Iterator[str]:
    """A place for a socket where only this user can listen and connect; it is gone afterwards.

    Raises `UserError` where the folder for temporary files has too long a name for a socket.
    """
    with TemporaryDirectory(prefix="longhand-") as folder:
        path = str(Path(folder) / "gateway")
        if len(os.fsencode(path)) > _LONGEST_PATH:
            raise UserError(f"{path} is too long for a socket; set TMPDIR to a folder with a shorter name")
        yield path


def listen(address: str) -> Listener:
    """Listen at a path; raises `UserError` where that cannot be."""
    try:
        return Listener(address, family="AF_UNIX")
    except (OSError, ValueError) as error:
        raise UserError(f"cannot listen at {address}: {error}") from error


def connect(address: str, seconds: float, gone: Callable[[], str | None] = lambda: None) -> Connection:
    """Connect to a server that may not listen yet; `gone` gives a reason why it never will.

    Raises `InvalidSubmissionError` with that reason, or after `seconds`.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            return Client(address, family="AF_UNIX")
        except (FileNotFoundError, ConnectionRefusedError):
            reason = gone() or (f"no server within {seconds:g} s" if time.monotonic() > until else None)
            if reason:
                raise InvalidSubmissionError(f"invalid submission: {reason}") from None
        time.sleep(0.02)


def encode_question(columns: tuple[pl.Series, ...]) -> bytes:
    """Series of one element each, as one frame in the format of Arrow."""
    return _to_bytes(import_polars().DataFrame(list(columns)))


def decode_question(message: bytes) -> tuple[pl.Series, ...]:
    """The Series again, with their names and types."""
    frame = _from_bytes(message)
    return tuple(frame.get_columns())


def encode_reply(value: Any) -> bytes:
    """What `predict` returned: a frame whole, of anything else only what it is, for it is refused anyway."""
    frame = as_frame(value)
    return _OTHER + _kind(value).encode() if frame is None else _FRAME + _to_bytes(frame)


def encode_error(error: BaseException) -> bytes:
    """What `predict` raised, in one line."""
    first_line = str(error).strip().partition("\n")[0][:200]
    return _RAISED + f"{type(error).__name__}: {first_line}".removesuffix(": ").encode(errors="replace")


def decode_reply(message: bytes, problem_id: str) -> pl.DataFrame:
    """The frame that `predict` returned; `InvalidSubmissionError` if it returned something else, or raised."""
    kind, rest = message[:1], message[1:]
    if kind == _FRAME:
        return _from_bytes(rest)
    text = rest.decode(errors="replace")
    if kind == _RAISED:
        raise InvalidSubmissionError(f"invalid submission: predict raised at {problem_id}: {text}")
    raise InvalidSubmissionError(
        f"invalid submission: predict answered {problem_id} with {text}; it has to be a frame of one row, id and answer"
    )


def _kind(value: Any) -> str:
    return "None" if value is None else f"a bare {type(value).__name__}"


def _to_bytes(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_ipc(file)
    return file.getvalue()


def _from_bytes(message: bytes) -> pl.DataFrame:
    frame: pl.DataFrame = import_polars().read_ipc(io.BytesIO(message))
    return frame
