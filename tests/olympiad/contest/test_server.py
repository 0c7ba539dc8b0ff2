"""The contract between the host and a program that takes part."""

from __future__ import annotations

import functools
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from longhand.errors import UserError
from longhand.olympiad.contest.contract import ADDRESS, RERUN, START_SECONDS, InvalidSubmissionError
from longhand.olympiad.contest.frames import answer_frame
from longhand.olympiad.contest.gateway import ask_all, asking_order, read_problems
from longhand.olympiad.contest.server import InferenceServer
from longhand.olympiad.contest.transport import connect, new_address


def predict(id_: Any, problem: Any, answer: Any = None) -> Any:
    """What the host takes."""
    return answer_frame(id_.item(0), len(problem.item(0)))


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "test.csv"
    path.write_text("id,problem\n000aaa,What is $1-1$?\n000bbb,Solve $x$\n000ccc,x\n", encoding="utf-8")
    return path


class Holder:
    def predict(self, id_: Any, problem: Any) -> Any: ...

    def __call__(self, id_: Any, problem: Any) -> Any: ...


def solve(id_: Any, problem: Any) -> Any: ...


def _named_predict(function: Any) -> Any:
    function.__name__ = "predict"
    return function


async def _later(id_: Any, problem: Any) -> Any: ...


def _yields(id_: Any, problem: Any) -> Iterator[int]:
    yield 1


def _of_one(problem: Any) -> Any: ...


def _of_two(id_: Any, problem: Any) -> Any: ...


@pytest.mark.row("S3-C1")
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (Holder().predict, "the bound method Holder.predict"),
        (Holder(), "an object of type Holder"),
        (functools.partial(predict), "a partial"),
        (lambda id_, problem: None, "a lambda"),
        (solve, "one named solve"),
        (_named_predict(_later), "answers later"),
        (_named_predict(_yields), "answers later"),
        (_named_predict(_of_one), "cannot be called with an id and a problem"),
        (None, "an object of type NoneType"),
    ],
)
def test_only_a_plain_function_named_predict_is_taken(wrong: Any, reason: str) -> None:
    with pytest.raises(UserError, match=f"(?s)^the host takes a plain function named predict, not .*{reason}[^\n]*$"):
        InferenceServer(wrong)
    InferenceServer(predict)


@pytest.mark.row("S3-C1")
def test_predict_sees_series_of_one_element_and_the_answers_are_written_id_first(csv: Path, tmp_path: Path) -> None:
    seen: list[Any] = []

    def predict(id_: Any, problem: Any) -> Any:
        seen.append((id_, problem))
        return answer_frame("another id", len(problem.item(0)))

    out = tmp_path / "new" / "submission.parquet"
    asked = InferenceServer(predict).run_local_gateway((csv,), out=out, private=True)
    for id_, problem in seen:
        assert isinstance(id_, pl.Series)
        assert isinstance(problem, pl.Series)
        assert (id_.name, problem.name, len(id_), len(problem)) == ("id", "problem", 1, 1)
        assert (id_.dtype, problem.dtype) == (pl.String, pl.String)
    assert [id_.item(0) for id_, _ in seen] == ["000aaa", "000bbb", "000ccc"]
    written = pl.read_parquet(out)
    assert written.schema == {"id": pl.String, "answer": pl.Int64}
    assert written.rows() == [("000aaa", 14), ("000bbb", 9), ("000ccc", 1)]  # with the ids that were asked
    assert asked.answers.equals(written)
    assert sorted(path.name for path in out.parent.iterdir()) == ["submission.parquet"]


@pytest.mark.row("S3-C1")
def test_a_csv_with_answers_hands_them_over_as_a_third_series(tmp_path: Path) -> None:
    csv, seen = tmp_path / "reference.csv", []
    csv.write_text("id,problem,answer\na,x,336\nb,y,32951\n", encoding="utf-8")

    def predict(id_: Any, problem: Any, answer: Any = None) -> Any:
        seen.append(answer)
        return pl.DataFrame({"answer": [7]})  # without an id passes too

    InferenceServer(predict).run_local_gateway((csv,), out=tmp_path / "out.parquet", private=True)
    assert [(series.name, series.dtype, series.to_list()) for series in seen] == [
        ("answer", pl.Int64, [336]),
        ("answer", pl.Int64, [32951]),
    ]

    with pytest.raises(InvalidSubmissionError, match=r"predict raised at a: TypeError: .*positional arguments"):
        InferenceServer(_named_predict(_of_two)).run_local_gateway((csv,), private=True)


def _raise(id_: Any) -> Any:
    raise ValueError("a line\nand another")


def _signals(id_: Any) -> Any:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


@pytest.mark.row("S3-C1")
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda id_: 5, "a bare int"),
        (lambda id_: np.int64(5), "a bare int64"),
        (lambda id_: "5", "a bare str"),
        (lambda id_: None, "None"),
        (lambda id_: {"id": id_, "answer": 5}, "a bare dict"),
        (lambda id_: pl.Series("answer", [5]), "a bare Series"),
        (lambda id_: pl.DataFrame({"id": [id_], "answer": [5.0]}), "an answer of type Float64"),
        (lambda id_: pl.DataFrame({"id": [id_], "answer": ["5"]}), "an answer of type String"),
        (lambda id_: pl.DataFrame({"id": [id_], "answer": [5]}, schema_overrides={"answer": pl.Int32}), "Int32"),
        (lambda id_: pd.DataFrame({"id": [id_], "answer": [5.0]}), "an answer of type Float64"),
        (lambda id_: pl.DataFrame({"id": [id_], "answer": [None]}, schema_overrides={"answer": pl.Int64}), "empty"),
        (lambda id_: pl.DataFrame({"id": [id_] * 2, "answer": [5, 5]}), "2 rows"),
        (lambda id_: answer_frame(id_, 5).clear(), "0 rows"),
        (lambda id_: pl.DataFrame({"id": [id_], "result": [5]}), "the columns"),
        (lambda id_: pl.DataFrame({"id": [id_], "answer": [5], "more": [1]}), "the columns"),
        (_raise, "predict raised at 000bbb: ValueError: a line$"),
        (_signals, "ValueError: signal only works in main thread"),
    ],
)
def test_one_answer_of_a_wrong_kind_takes_the_run_down(csv: Path, tmp_path: Path, answer: Any, reason: str) -> None:
    def predict(id_: Any, problem: Any) -> Any:
        return answer_frame("", 3) if id_.item(0) != "000bbb" else answer(id_.item(0))

    out = tmp_path / "out.parquet"
    with pytest.raises(InvalidSubmissionError, match=f"^invalid submission: [^\n]*{reason}[^\n]*$"):
        InferenceServer(predict).run_local_gateway((csv,), out=out)
    assert not out.exists()


@pytest.mark.parametrize("number", [-1, 100_000, 2**62])
def test_what_can_be_no_answer_is_written_down_like_any_other_and_named(csv: Path, tmp_path: Path, number: int) -> None:
    def predict(id_: Any, problem: Any) -> Any:
        return answer_frame("", number if id_.item(0) == "000bbb" else 0)

    asked = InferenceServer(predict).run_local_gateway((csv,), out=tmp_path / "out.parquet")
    assert asked.out_of_range == ["000bbb"]
    assert number in pl.read_parquet(tmp_path / "out.parquet")["answer"]


def test_a_frame_of_pandas_is_as_good(csv: Path, tmp_path: Path) -> None:
    def predict(id_: Any, problem: Any) -> Any:
        return pd.DataFrame({"id": id_.to_list(), "answer": [4]})

    asked = InferenceServer(predict).run_local_gateway((csv,), out=tmp_path / "out.parquet", private=True)
    assert asked.answers.rows() == [("000aaa", 4), ("000bbb", 4), ("000ccc", 4)]


def test_an_answer_that_does_not_come_ends_the_run_but_the_first_may_take_as_long_as_it_likes(
    csv: Path, tmp_path: Path
) -> None:
    released, calls = threading.Event(), []

    def predict(id_: Any, problem: Any) -> Any:
        calls.append(id_.item(0))
        assert released.wait(0.3 if len(calls) == 1 else 30) or len(calls) == 1
        return answer_frame("", 1)

    with pytest.raises(InvalidSubmissionError, match=r"no answer to 000bbb within 0\.1 s"):
        InferenceServer(predict).run_local_gateway((csv,), out=tmp_path / "out.parquet", private=True, seconds=0.1)
    released.set()
    assert calls == ["000aaa", "000bbb"]


@pytest.mark.row("S3-C1")
def test_serving_has_to_begin_within_a_quarter_of_an_hour(csv: Path) -> None:
    def begin(now: float, environ: dict[str, str]) -> InferenceServer:
        return InferenceServer(predict, clock=lambda: now, began=1000.0, environ=environ)

    late, in_time = 1000.0 + START_SECONDS + 1, 1000.0 + START_SECONDS
    with pytest.raises(UserError, match=r"^serve was called 901 s after the start and the host waits 900 s"):
        begin(late, {RERUN: "1"}).serve()
    with pytest.raises(UserError, match=f"{ADDRESS} is not set"):
        begin(in_time, {RERUN: "1"}).serve()
    begin(late, {}).serve()  # where nobody asks, nobody waits
    begin(late, {RERUN: ""}).serve()


@pytest.mark.row("S3-C1")
@pytest.mark.parametrize("rerun", [True, False])
def test_where_the_host_asks_serve_blocks_until_it_has_gone(csv: Path, rerun: bool) -> None:
    problems = read_problems(csv)
    with new_address() as address:
        server = InferenceServer(predict, environ={ADDRESS: address} | ({RERUN: "1"} if rerun else {}))
        returned = threading.Event()

        def serve() -> None:
            server.serve()
            returned.set()

        thread = threading.Thread(target=serve)
        thread.start()
        with connect(address, 10) as connection:
            asked = ask_all(problems, connection)
            if rerun:
                assert not returned.is_set()
            else:
                assert returned.wait(10)
        thread.join(10)
        assert not thread.is_alive()
    assert sorted(asked.answers.rows()) == [("000aaa", 14), ("000bbb", 9), ("000ccc", 1)]


@pytest.mark.row("S3-C1")
def test_a_public_run_is_shuffled_anew_each_time_and_a_private_one_is_not() -> None:
    assert asking_order(50, private=True) == list(range(50))
    public = [asking_order(50, private=False) for _ in range(3)]
    assert all(sorted(order) == list(range(50)) for order in public)
    assert len({tuple(order) for order in [*public, list(range(50))]}) == 4


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"id,question\na,x\n", "has the columns id, question; it needs id, problem"),
        (b"problem,id\na,x\n", "has the columns problem, id"),
        (b"id,problem\n", "has no problems"),
        (b"", "is no csv"),
        (b"id,problem\na,x\n,y\n", "row 2 has an empty id"),
        (b"id,problem\na,\n", "row 1 has an empty problem"),
        (b"id,problem\na,x\nb,y\na,z\n", "the id a is there more than once"),
        (b"id,problem\na,\xff\n", r"is not UTF-8 \(byte 13\)"),
        (b"id,problem,answer\na,x,many\n", "is no csv with the columns"),
    ],
)
def test_a_csv_that_cannot_be_asked_is_refused_in_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    csv = tmp_path / "test.csv"
    csv.write_bytes(content)
    with pytest.raises(UserError, match=f"^[^\n]*test.csv[^\n]*{reason}[^\n]*$"):
        InferenceServer(predict).run_local_gateway((csv,), out=tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["test.csv"]


def test_a_gateway_takes_one_csv_and_says_so(tmp_path: Path) -> None:
    for wrong in ((), ("a.csv", "b.csv"), "a.csv"):
        with pytest.raises(UserError, match="takes a tuple of one csv"):
            InferenceServer(predict).run_local_gateway(wrong)
    with pytest.raises(UserError, match=r"cannot read .*missing\.csv: No such file"):
        InferenceServer(predict).run_local_gateway((tmp_path / "missing.csv",))


def test_a_folder_too_deep_for_a_socket_is_named(csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with pytest.raises(UserError, match=r"too long for a socket; set TMPDIR"):
        InferenceServer(predict).run_local_gateway((csv,))
    assert list(deep.iterdir()) == []
