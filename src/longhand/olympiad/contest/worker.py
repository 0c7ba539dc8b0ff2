"""The process that a solver runs in; started by `worker_process`, ended by it whenever it likes.

    python -m longhand.olympiad.contest.worker MODULE:FUNCTION ARGUMENTS

It loads the solver, then reads requests, one JSON object per line, and answers each with its candidates, one per line
as they come, and an end. What a solver prints goes to the error output, so that it cannot be taken for an answer, and
if it reads its input there is none.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

Attempt = Callable[[str, float], Any]
"""A solver: a problem and the seconds it has, to an answer or to candidates, best as they come (a generator)."""


def main(load: str, arguments: str) -> None:
    """Load, then answer until nobody can ask any more."""
    replies, asked = os.fdopen(os.dup(1), "wb", buffering=0), os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    requests = _requests_in_background(asked)
    try:
        attempt = _load(load, json.loads(arguments))
    except BaseException as error:
        _send(replies, {"failed": _line(error)})
        return
    _send(replies, {"ready": True})
    while True:
        request = requests.get()
        try:
            for candidate in candidates(attempt(request["problem"], request["seconds"])):
                _send(replies, {"candidate": candidate})
        except Exception as error:
            _send(replies, {"end": _line(error)})
        else:
            _send(replies, {"end": None})


def candidates(result: Any) -> Iterator[Any]:
    """What a solver gave as JSON data: nothing, one answer, or several; numbers of NumPy and dataclasses too.

    Raises `TypeError` for what cannot be one.
    """
    if result is None:
        return
    if isinstance(result, str | int | dict) or hasattr(result, "__index__") or is_dataclass(result):
        yield _plain(result)
        return
    if not hasattr(result, "__iter__") or hasattr(result, "columns"):
        raise TypeError(f"a solver returned {type(result).__name__}, which is no answer and no candidates")
    for each in result:
        if each is not None:
            yield _plain(each)


def _plain(value: Any) -> Any:
    """An answer that JSON can say; a float or a list is none."""
    if isinstance(value, str | dict):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if hasattr(value, "__index__"):
        return value.__index__()
    return repr(value)[:200]


def _load(name: str, arguments: dict[str, Any]) -> Attempt:
    module, _, function = name.partition(":")
    attempt: Attempt = getattr(import_module(module), function)(**arguments)
    return attempt


def _requests_in_background(asked: BinaryIO) -> queue.Queue[dict[str, Any]]:
    """Read requests in a thread, which ends the process, and what it started, when the one that asks is gone."""
    requests: queue.Queue[dict[str, Any]] = queue.Queue()

    def read() -> None:
        for line in asked:
            requests.put(json.loads(line))
        os.killpg(os.getpid(), signal.SIGKILL)

    threading.Thread(target=read, daemon=True).start()
    return requests


def _send(replies: BinaryIO, message: dict[str, Any]) -> None:
    replies.write(json.dumps(message).encode() + b"\n")


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}".removesuffix(": ")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
