"""A solver made safe: right frames, right numbers, in time, whatever comes in and whatever comes out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.olympiad.contest.attempts import Candidate

from longhand.errors import UserError
from longhand.olympiad.contest.arithmetic import expression_in
from longhand.olympiad.contest.budget import Budget
from longhand.olympiad.contest.predictor import Predictor, as_answer, as_candidate
from longhand.olympiad.contest.server import InferenceServer
from longhand.olympiad.contest.worker import candidates
from longhand.olympiad.contest.worker_process import WorkerProcess, group_memory
from longhand.olympiad.selection import SELECTORS, Majority, selector_of
from longhand.olympiad.votes import Candidate as VotingCandidate

SOLVERS = "tests.olympiad.contest.attempts"


@pytest.mark.row("S3-C1")
def test_a_model_of_ours_answers_ten_problems_from_csv_to_parquet(tmp_path: Path) -> None:
    pairs = [(123, 456), (999, 1), (0, 0), (7, 35), (500, 500), (12, 9), (250, 750), (86, 86), (1, 999), (404, 40)]
    csv, out, log = tmp_path / "test.csv", tmp_path / "submission.parquet", tmp_path / "log.jsonl"
    rows = [f"p{number},What is ${a}{' + ' if number % 2 else '+'}{b}$?" for number, (a, b) in enumerate(pairs)]
    csv.write_text("\n".join(["id,problem", *rows]), encoding="utf-8")

    with Predictor("longhand.olympiad.contest.arithmetic:load", {"model": "add-sub-3"}, log=log) as predictor:
        assert predictor._worker._process is None  # nothing is loaded before the first problem
        InferenceServer(predictor.predict()).run_local_gateway((csv,), out=out)

    found = dict(pl.read_parquet(out).iter_rows())
    assert found == {f"p{number}": a + b for number, (a, b) in enumerate(pairs)}
    assert [json.loads(line)["outcome"] for line in log.read_text(encoding="utf-8").splitlines()] == ["done"] * 10


@pytest.mark.parametrize(
    ("problem", "expression"),
    [
        ("What is $123+456$?", "123+456"),
        ("What is $0\\times10$?", "0*10"),
        (r"Let $x$ be real. Find $12 \cdot 3$.", "12*3"),
        (r"$1{,}234 - 34 =$", "1234-34"),
        ("Solve $4+x=4$ for $x$.", None),
        ("What is 1+1?", None),
        ("$-5$", None),
        ("", None),
    ],
)
def test_the_arithmetic_of_a_problem_is_its_last_formula(problem: str, expression: str | None) -> None:
    assert expression_in(problem) == expression


class Odd:
    """What no gateway would send."""

    def item(self, *_: int) -> Any:
        raise RuntimeError("no item")

    def __len__(self) -> int:
        return 1


ANYTHING = [None, "", "\ud800", "x" * 20_000, 3, b"\xff", pl.Series("id", ["a"]), pl.Series("id", [], dtype=pl.String)]
ANYTHING += [pl.DataFrame({"id": ["a"], "more": [1]}), pl.Series("id", [None]), Odd(), [1, 2], np.array(["a"])]


@pytest.mark.parametrize("given_", ANYTHING, ids=lambda value: type(value).__name__)
def test_whatever_it_is_asked_it_answers_with_one_row_of_the_right_types(given_: Any) -> None:
    with Predictor(f"{SOLVERS}:load", budget=Budget(limit=0), fallback=7) as predictor:
        predict = predictor.predict()
        for frame in (predict(given_, "problem"), predict("a", given_), predict(given_, given_, given_)):
            assert frame.schema == {"id": pl.String, "answer": pl.Int64}
            assert frame.shape == (1, 2)
            assert frame["answer"].item() == 7


@settings(max_examples=50)
@given(
    st.one_of(
        st.integers(), st.text(), st.floats(), st.booleans(), st.none(), st.dictionaries(st.text(), st.integers())
    )
)
def test_what_counts_as_an_answer_is_in_range(value: Any) -> None:
    for candidate in (value, {"answer": value}, Candidate(value, 0.5)):
        found = as_answer(candidate)
        assert found is None or (type(found) is int and 0 <= found <= 99_999)
        if type(value) is int:
            assert found == (value if 0 <= value <= 99_999 else None)


def test_digits_count_and_nothing_else_that_looks_like_them() -> None:
    assert [as_answer(text) for text in ("0", "00042", "99999")] == [0, 42, 99_999]
    for text in ("100000", "-1", "+1", "1.0", "١", "²", "1_000", " 1", "", "forty-two"):
        assert as_answer(text) is None
    assert as_answer(np.int64(5)) == 5
    assert as_answer(True) is None


@given(st.lists(st.integers(-2, 3), max_size=12))
def test_without_a_selector_the_earliest_of_those_most_give_wins(votes: list[int]) -> None:
    counted = [vote for vote in votes if vote >= 0]
    expected = max(counted, key=lambda vote: (counted.count(vote), -counted.index(vote)), default=None)
    chosen = Majority().select("", [as_candidate(each, number) for number, each in enumerate(votes)])
    assert (None if chosen is None else chosen.answer) == expected


def test_how_sure_the_model_was_reaches_the_selector() -> None:
    found = [{"answer": "7", "mean_logprob": -2.0, "entropy": 2}, {"answer": 7, "mean_logprob": -3.0, "entropy": 1.0}]
    found += [{"answer": 9, "mean_logprob": -0.1, "entropy": 0.5, "text": "so 9"}]
    candidates = [as_candidate(each, number) for number, each in enumerate(found)]
    chosen = {name: selector_of(name).select("What is 4+5?", candidates) for name in SELECTORS}
    assert {name: one and one.answer for name, one in chosen.items()} == {
        "majority": 7, "by-logprob": 9, "checked": 7
    }  # fmt: skip
    remainder = selector_of("checked").select("Find the remainder when $99$ is divided by $9$.", candidates)
    assert remainder is not None
    assert remainder.answer == 7
    assert as_candidate({"answer": 4, "mean_logprob": "sure"}, 3) == VotingCandidate(4, 3)


def test_what_a_solver_returns_becomes_plain_data() -> None:
    assert list(candidates(None)) == []
    assert list(candidates(np.int64(4))) == [4]
    assert list(candidates("12")) == ["12"]
    assert list(candidates(iter([1, None, np.int32(2), {"answer": 3}]))) == [1, 2, {"answer": 3}]
    assert list(candidates([2.5])) == ["2.5"]  # said as it is, and no answer
    for wrong in (3.5, pl.DataFrame({"a": [1]}), object()):
        with pytest.raises(TypeError, match="is no answer and no candidates"):
            list(candidates(wrong))


def test_a_choice_that_fails_is_left_to_the_votes_and_a_wrong_one_to_the_fallback(tmp_path: Path) -> None:
    class Chooses:
        def __init__(self, choose: Callable[[VotingCandidate], int]) -> None:
            self.choose = choose

        def select(self, problem: str, candidates: Sequence[VotingCandidate]) -> VotingCandidate:
            return replace(candidates[0], answer=self.choose(candidates[0]))

    def fails(found: VotingCandidate) -> int:
        raise KeyError("select")

    for choose, expected in ((fails, 5), (lambda found: 10**6, 7), (lambda found: found.answer + 1, 6)):
        selector = Chooses(choose)
        with Predictor(f"{SOLVERS}:load", selector=selector, fallback=7, log=tmp_path / "log.jsonl") as predictor:
            assert predictor.answer("a", "What is 5?")["answer"].item() == expected
    first, second, _ = (json.loads(line) for line in (tmp_path / "log.jsonl").read_text("utf-8").splitlines())
    assert first["error"] == "select raised KeyError: 'select'"
    assert (first["fallback"], second["fallback"]) == (False, True)


def test_a_solver_is_told_less_than_is_promised_and_the_promise_is_kept() -> None:
    with Predictor(f"{SOLVERS}:load_reporting", budget=Budget(limit=40, problems=1, reserve=40, most=40)) as predictor:
        told = predictor.answer("a", "x")["answer"].item() / 100
    assert 30 < told <= 38


def test_loading_has_a_time_of_its_own_before_the_first_problem(tmp_path: Path) -> None:
    """A second to load, and less than that for the problem."""
    budget = Budget(limit=100, reserve=0.8, most=0.8, start_up=60)
    log = tmp_path / "log.jsonl"
    with Predictor(f"{SOLVERS}:load_slowly", {"seconds": 1.0}, budget=budget, log=log) as predictor:
        assert predictor.answer("a", "What is 9?")["answer"].item() == 9
    assert json.loads(log.read_text("utf-8"))["promised"] == 0.8
    assert budget.start_up == 0


@pytest.mark.row("S3-B3")
def test_what_loads_longer_than_a_problem_lasts_goes_on_loading_for_the_next() -> None:
    """Problems of a tenth of a second, and four to load."""
    budget = Budget(limit=1e4, problems=1000, reserve=0.1, most=0.1)
    with Predictor(f"{SOLVERS}:load_slowly", {"seconds": 0.4}, budget=budget, fallback=7) as predictor:
        answers: list[int] = []
        while len(answers) < 400 and (not answers or answers[-1] == 7):
            answers.append(predictor.answer("a", "What is 9?")["answer"].item())
    assert answers[0] == 7
    assert answers[-1] == 9


def test_what_never_loads_is_given_up() -> None:
    worker = WorkerProcess(f"{SOLVERS}:load_slowly", {"seconds": 60}, load_seconds=0.2)
    assert worker.attempt("What is 1?", 1, time.monotonic() + 30) == ([], "late", None)
    assert worker.failed_loads == 1
    worker.close()


def test_a_process_that_does_not_even_read_is_late_like_any_other() -> None:
    worker = WorkerProcess(f"{SOLVERS}:load")
    assert worker.attempt("What is 1?", 60, time.monotonic() + 60) == ([1], "done", None)
    assert worker._process is not None
    os.kill(worker._process.pid, signal.SIGSTOP)
    long = "x" * 1_000_000 + " 2?"
    assert worker.attempt(long, 0.2, time.monotonic() + 0.2)[:2] == ([], "late")
    assert worker.attempt(long, 60, time.monotonic() + 60) == ([2], "done", None)
    worker.close()


def test_a_full_disk_is_no_reason_not_to_answer() -> None:
    with Predictor(f"{SOLVERS}:load", log=Path("/dev/full")) as predictor:
        assert predictor.answer("a", "What is 5?")["answer"].item() == 5
        assert predictor.answer("b", "What is 6?")["answer"].item() == 6


def test_a_solver_does_not_outlive_the_program_however_that_ends() -> None:
    """The program is killed while its solver hangs; the solver is gone soon after."""
    code = f"""
import os, signal, threading, time
from longhand.olympiad.contest.worker_process import WorkerProcess
worker = WorkerProcess("{SOLVERS}:load", {{"faults": {{"1": "hangs"}}}})
worker.attempt("What is 0?", 9, time.monotonic() + 60)
print(worker._process.pid, flush=True)
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL)).start()
worker.attempt("What is 1?", 99, time.monotonic() + 100)
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    group, until = int(done.stdout), time.monotonic() + 20
    while group_memory(group):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_memory_of_a_group_is_counted() -> None:
    assert group_memory(os.getpgid(0)) > 10_000_000
    assert group_memory(2**30) == 0


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"load": "no_function"}, "'no_function' names no function; write module:function"),
        ({"load": "a:b:c"}, "'a:b:c' names no function"),
        ({"load": "a b:c"}, "'a b:c' names no function"),
        ({"fallback": 100_000}, "fallback = 100000 can be no answer"),
        ({"fallback": -1}, "fallback = -1 can be no answer"),
        ({"log": Path("/dev/null/log.jsonl")}, "cannot write /dev/null/log.jsonl"),
    ],
)
def test_mistakes_are_told_at_once_and_not_after_five_hours(keys: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError, match=f"^{reason}"):
        Predictor(**{"load": f"{SOLVERS}:load", **keys})


def test_without_polars_it_says_what_to_install() -> None:
    code = """
import sys
sys.modules["polars"] = None
from longhand.olympiad.contest.predictor import Predictor
try:
    Predictor("a:b")
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("which is not installed: pip install 'longhand[olympiad]'")
