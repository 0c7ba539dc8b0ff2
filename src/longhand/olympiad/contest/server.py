"""The object a program that takes part gives its `predict` to."""

from __future__ import annotations

import functools
import inspect
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from longhand.errors import UserError
from longhand.olympiad.contest.contract import ADDRESS, CALL_SECONDS, RERUN, START_SECONDS, SUBMISSION
from longhand.olympiad.contest.frames import import_polars
from longhand.olympiad.contest.gateway import Asked, ask_all, read_problems, write_submission
from longhand.olympiad.contest.transport import (
    connect,
    decode_question,
    encode_error,
    encode_reply,
    listen,
    new_address,
)

_IMPORTED = time.monotonic()


class InferenceServer:
    """Answers a gateway with `predict(id_, problem, answer=None)`, which gets Series of one element.

    `began` is the reading of `clock` (seconds) from which the quarter of an hour counts: by default when this module
    was imported. `environ` stands for the environment. Raises `UserError` for a `predict` that the host would refuse.
    """

    def __init__(
        self,
        predict: Callable[..., Any],
        *,
        clock: Callable[[], float] = time.monotonic,
        began: float = _IMPORTED,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        import_polars()
        check_predict(predict)
        self._predict, self._clock, self._began, self._environ = predict, clock, began, environ

    def serve(self) -> None:
        """Answer one gateway until it has gone, where the host asks; elsewhere listen in the background and return.

        Raises `UserError` where the host asks if that is more than 15 minutes after the start, or if no address is
        given in the environment.
        """
        late = self._clock() - self._began
        asked = bool(self._environ.get(RERUN))
        if asked and late > START_SECONDS:
            raise UserError(
                f"serve was called {late:,.0f} s after the start and the host waits {START_SECONDS} s:"
                " load the model in the first call of predict"
            )
        text = self._environ.get(ADDRESS)
        if not text:
            if not asked:
                return  # nobody can ask, and outside of the contest nobody has to
            raise UserError(f"no gateway to answer: {ADDRESS} is not set; start this with a gateway, which sets it")
        thread = self._answer_in_background(listen(text))
        if asked:
            thread.join()

    def run_local_gateway(
        self,
        data_paths: Sequence[str | Path],
        *,
        out: Path = Path(SUBMISSION),
        private: bool = False,
        seconds: float = CALL_SECONDS,
        told: Callable[[int, int], None] = lambda done, total: None,
    ) -> Asked:
        """Ask the problems of the one csv in `data_paths`, and write the answers to `out`; see `gateway.ask_all`.

        `predict` runs in a thread, as it does at the host: what works only in the main thread (signals, say) fails here
        too. Raises `UserError` for a csv that cannot be asked, and `InvalidSubmissionError`; nothing is written then.
        """
        if isinstance(data_paths, str | Path) or len(data_paths) != 1:
            raise UserError(f"run_local_gateway takes a tuple of one csv, not {data_paths!r}: ('test.csv',)")
        problems = read_problems(Path(data_paths[0]))
        with new_address() as address:
            self._answer_in_background(listen(address))
            with connect(address, seconds=10) as connection:
                asked = ask_all(problems, connection, private=private, seconds=seconds, told=told)
        write_submission(asked.answers, Path(out))
        return asked

    def _answer_in_background(self, listener: Listener) -> threading.Thread:
        thread = threading.Thread(target=self._answer_gateway, args=(listener,), name="predict", daemon=True)
        thread.start()
        return thread

    def _answer_gateway(self, listener: Listener) -> None:
        with listener:
            connection = listener.accept()
        with connection:
            self._answer_questions(connection)

    def _answer_questions(self, connection: Connection) -> None:
        while True:
            try:
                question = decode_question(connection.recv_bytes())
            except (EOFError, OSError):
                return  # the gateway has gone
            try:
                reply = encode_reply(self._predict(*question))
            except Exception as error:
                reply = encode_error(error)
            try:
                connection.send_bytes(reply)
            except OSError:
                return


def check_predict(predict: Callable[..., Any]) -> None:
    """Raise `UserError` with the reason unless the host would take it: a plain function, named predict, of two values.

    The host finds the function by its `__name__`, which partials and callable objects do not have and lambdas share.
    """

    def refuse(what: str, remedy: str = "write: def predict(id_, problem, answer=None): ...") -> UserError:
        return UserError(f"the host takes a plain function named predict, not {what}; {remedy}")

    if isinstance(predict, functools.partial):
        raise refuse("a partial, which has no name")
    if inspect.ismethod(predict):
        raise refuse(f"the bound method {predict.__qualname__}")
    if not inspect.isfunction(predict):
        raise refuse(f"an object of type {type(predict).__name__}")
    if predict.__name__ == "<lambda>":
        raise refuse("a lambda, whose name is <lambda>")
    if predict.__name__ != "predict":
        raise refuse(f"one named {predict.__name__}")
    if inspect.iscoroutinefunction(predict) or inspect.isgeneratorfunction(predict):
        raise refuse("one that answers later (async or yield)")
    try:
        inspect.signature(predict).bind(None, None)
    except TypeError as error:
        raise refuse(f"one that cannot be called with an id and a problem ({error})") from error
