"""The frames of the contest: one row with a problem in, one row with its answer out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from longhand.errors import UserError
from longhand.olympiad.contest.contract import InvalidSubmissionError

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("id", "answer")


def import_polars() -> Any:
    """The module polars, which only the contest needs; `UserError` says how to install it."""
    try:
        import polars
    except ModuleNotFoundError as error:
        raise UserError("the contest needs polars, which is not installed: pip install 'longhand[olympiad]'") from error
    return polars


def answer_frame(problem_id: str, answer: int) -> pl.DataFrame:
    """The one row the host wants: `id` (String) and `answer` (Int64 whatever the number)."""
    polars = import_polars()
    frame: pl.DataFrame = polars.DataFrame(
        {"id": [problem_id], "answer": [answer]}, schema={"id": polars.String, "answer": polars.Int64}
    )
    return frame


def as_frame(value: Any) -> pl.DataFrame | None:
    """A frame of polars or pandas as one of polars; None for anything else."""
    polars = import_polars()
    if isinstance(value, polars.DataFrame):
        whole: pl.DataFrame = value
        return whole
    if type(value).__module__.partition(".")[0] == "pandas" and type(value).__name__ == "DataFrame":
        frame: pl.DataFrame = polars.from_pandas(value)
        return frame
    return None


def checked_answer(frame: pl.DataFrame, problem_id: str) -> pl.DataFrame:
    """The answer to a problem as the host writes it down, with the id it asked for, whatever id came back.

    Raises `InvalidSubmissionError` unless it is one row with `answer` and perhaps `id`, and the answer is an Int64. The
    host finds other types when it puts all rows together, and lets some through, turning all answers into floats; ours
    refuses them where they come. Like the host it takes integers that can be no answer: they are merely wrong.
    """
    polars = import_polars()

    def invalid(reason: str) -> InvalidSubmissionError:
        return InvalidSubmissionError(f"invalid submission: predict answered {problem_id} with {reason}")

    if frame.height != 1:
        raise invalid(f"{frame.height} rows; it has to be one")
    if "answer" not in frame.columns or not set(frame.columns) <= set(COLUMNS):
        raise invalid(f"the columns {frame.columns}; they have to be {list(COLUMNS)}")
    kind = frame.schema["answer"]
    if kind != polars.Int64:
        raise invalid(f"an answer of type {kind}; it has to be Int64, always")
    if frame["answer"].null_count():
        raise invalid("an empty answer")
    return answer_frame(problem_id, frame["answer"].item(0))


def text_of(value: Any) -> str:
    """What the host hands over, as text: the one element of a Series, the first of a frame, or a plain string."""
    if isinstance(value, str):
        return value
    item = getattr(value, "item", None)
    if item is None:
        return "" if value is None else str(value)
    if not len(value):
        return ""
    found = item(0, 0) if hasattr(value, "columns") else item(0)
    return "" if found is None else str(found)
