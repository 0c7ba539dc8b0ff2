"""The host's side of the contest: asks a server one problem at a time, and takes the answers or the whole run down."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from longhand.atomic import replacing_file
from longhand.errors import UserError
from longhand.olympiad.contest.contract import ANSWERS, CALL_SECONDS, InvalidSubmissionError
from longhand.olympiad.contest.frames import checked_answer, import_polars
from longhand.olympiad.contest.transport import decode_reply, encode_question

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Asked:
    """A whole run: `answers` (id, answer: Int64) in the order they were asked, and the seconds each took."""

    answers: pl.DataFrame
    seconds: tuple[float, ...]

    @property
    def out_of_range(self) -> list[str]:
        """The ids with an answer that can only be wrong; the host takes it without a word."""
        rows = self.answers.iter_rows()
        return [problem_id for problem_id, answer in rows if answer not in ANSWERS]


def read_problems(csv: Path) -> pl.DataFrame:
    """Read `id, problem` and perhaps `answer`, which the host then hands to `predict` as well.

    Raises `UserError` naming the file and what is wrong: columns, empty or repeated ids, empty problems, no rows.
    """
    polars = import_polars()
    try:
        text = csv.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"cannot read {csv}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{csv} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    types = {"id": polars.String, "problem": polars.String, "answer": polars.Int64}
    try:
        frame: pl.DataFrame = polars.read_csv(text.encode(), schema_overrides=types)
    except polars.exceptions.PolarsError as error:
        reason = str(error).strip().partition("\n")[0]
        raise UserError(f"{csv} is no csv with the columns id, problem and perhaps answer: {reason}") from error
    if frame.columns not in (["id", "problem"], ["id", "problem", "answer"]):
        raise UserError(f"{csv} has the columns {', '.join(frame.columns)}; it needs id, problem and perhaps answer")
    if frame.is_empty():
        raise UserError(f"{csv} has no problems")
    for row, (problem_id, problem) in enumerate(frame.select("id", "problem").iter_rows(), start=1):
        if not problem_id or not problem:
            raise UserError(f"{csv}: row {row} has an empty {'problem' if problem_id else 'id'}")
    repeated = frame["id"].filter(frame["id"].is_duplicated())
    if len(repeated):
        raise UserError(f"{csv}: the id {repeated.item(0)} is there more than once")
    return frame


def asking_order(problems: int, *, private: bool) -> list[int]:
    """The rows in the order they are asked: shuffled by the system's entropy, or as they are in a private run."""
    order = list(range(problems))
    if not private:
        random.SystemRandom().shuffle(order)
    return order


def ask_all(
    problems: pl.DataFrame,
    connection: Connection,
    *,
    private: bool = False,
    seconds: float = CALL_SECONDS,
    told: Callable[[int, int], None] = lambda done, total: None,
    gone: Callable[[], str] = lambda: "the server ended",
) -> Asked:
    """Ask every problem of `problems` once: Series of one element each, and the next when the answer is there.

    Waits `seconds` for every answer but the first, for which it waits as long as it takes. `told` hears how far it is,
    `gone` says why the server went. Raises `InvalidSubmissionError` for what the host would refuse, see
    `frames.checked_answer`, and for a server that ends or is late.
    """
    polars = import_polars()
    answers, taken = [], []
    order = asking_order(problems.height, private=private)
    for number, row in enumerate(order):
        question = problems[row]
        problem_id = question["id"].item(0)
        started = time.monotonic()
        try:
            connection.send_bytes(encode_question(tuple(question.get_columns())))
            if not connection.poll(seconds if number else None):
                raise InvalidSubmissionError(f"invalid submission: no answer to {problem_id} within {seconds:g} s")
            reply = connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise InvalidSubmissionError(f"invalid submission: {gone()} while asked {problem_id}") from error
        taken.append(time.monotonic() - started)
        answers.append(checked_answer(decode_reply(reply, problem_id), problem_id))
        told(number + 1, len(order))
    return Asked(polars.concat(answers), tuple(taken))


def write_submission(answers: pl.DataFrame, out: Path) -> None:
    """Write the answers, id first, whole or not at all."""
    with replacing_file(out) as temporary:
        answers.select("id", "answer").write_parquet(temporary)
