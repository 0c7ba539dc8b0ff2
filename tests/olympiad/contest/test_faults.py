"""Whatever a solver does, all fifty are answered; and the gateway that says so takes a faulty program down."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.olympiad.contest.attempts import FAULTS

from longhand.olympiad.contest.contract import PROBLEMS, InvalidSubmissionError
from longhand.olympiad.contest.gateway import Asked
from longhand.olympiad.contest.program import run_program

FALLBACK = 77


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """Fifty problems; one in letters of many alphabets, one of 20 kB, one with commas, quotes and line ends."""
    problems = [f"What is {number}?" for number in range(PROBLEMS)]
    problems[7] = "Сколько будет ∑ 𝒳 素数 \u0301? What is 7?"
    problems[8] = "x" * 20_000 + " What is 8?"
    problems[9] = 'He said "9, or\r\n$\\frac{9}{1}$". What is 9?'
    path = tmp_path / "test.csv"
    pl.DataFrame({"id": [f"{number:06x}" for number in range(PROBLEMS)], "problem": problems}).write_csv(path)
    return path


def take_part(csv: Path, mode: str, faults: dict[str, str], promise: float = 60, **keys: Any) -> Asked:
    command = [sys.executable, "-m", "tests.olympiad.contest.taking_part", mode, json.dumps(faults), str(promise)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    log, out = csv.parent / "log.jsonl", csv.parent / "submission.parquet"
    return run_program([*command, str(log)], csv, out=out, environ=environ, start_seconds=60, **keys)


def answers_of(csv: Path) -> dict[int, int]:
    frame = pl.read_parquet(csv.parent / "submission.parquet")
    assert frame.schema == {"id": pl.String, "answer": pl.Int64}
    return {int(problem_id, 16): answer for problem_id, answer in frame.iter_rows()}


def log_of(csv: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (csv.parent / "log.jsonl").read_text(encoding="utf-8").splitlines()]


# What a solver does, what the log calls it, and whether the right answer comes of it all the same.
FAULTY = [
    ("dies", "died", False),
    ("exits", "died", False),
    ("eats memory", "memory", False),
    ("floods", "flood", False),
    ("raises", "error", False),
    ("two rows", "error", False),
    ("prints", "done", True),
    ("reads its input", "done", True),
    ("records", "done", True),
    ("text", "done", False),
    ("digits", "done", True),
    ("None", "done", False),
    ("numpy int", "done", True),
    ("float", "error", False),
    ("-1", "done", False),
    ("100000", "done", False),
]
HANGING = ["hangs", "yields, then hangs"]


def test_there_is_a_scenario_for_every_fault() -> None:
    assert {*(fault for fault, _, _ in FAULTY), *HANGING} == set(FAULTS)


@pytest.mark.row("S3-C1", "S3-B3")
@pytest.mark.parametrize("scenario", [[], FAULTY], ids=["no fault", "every fault"])
def test_with_our_predictor_all_fifty_are_answered(csv: Path, scenario: list[tuple[str, str, bool]]) -> None:
    faults = dict(enumerate(scenario, start=1))
    asked = take_part(csv, "wrapped", {str(number): fault for number, (fault, _, _) in faults.items()})
    assert len(asked.seconds) == PROBLEMS
    found = answers_of(csv)
    assert len(found) == len(log_of(csv)) == PROBLEMS
    for facts in log_of(csv):
        number = int(facts["id"], 16)
        fault, outcome, right = faults.get(number, ("", "done", True))
        assert (facts["outcome"], found[number]) == (outcome, number if right else FALLBACK), (fault, facts)


@pytest.mark.row("S3-C1", "S3-B3")
def test_a_solver_that_hangs_is_ended_and_all_fifty_are_answered(csv: Path) -> None:
    """Twice with nothing to show, twice with three candidates; the others are right, unless it still loads again."""
    faults = {5: "hangs", 15: "yields, then hangs", 25: "hangs", 35: "yields, then hangs"}
    take_part(csv, "wrapped", {str(number): fault for number, fault in faults.items()}, promise=0.7, private=True)
    found, log = answers_of(csv), {int(facts["id"], 16): facts for facts in log_of(csv)}
    assert len(found) == len(log) == PROBLEMS
    for number, facts in log.items():
        assert found[number] == (FALLBACK if facts["fallback"] else number)
        if number in faults:
            assert facts["outcome"] == "late"
            assert facts["fallback"] == (faults[number] == "hangs" or facts["candidates"] == 0)
        else:
            assert (facts["outcome"], facts["fallback"]) in (("done", False), ("loading", True)), facts


@pytest.mark.row("S3-C1")
def test_a_solver_that_cannot_be_loaded_answers_all_fifty_too(csv: Path) -> None:
    take_part(csv, "wrapped", {"load": "fails"})
    assert answers_of(csv) == dict.fromkeys(range(PROBLEMS), FALLBACK)
    outcomes = [facts["outcome"] for facts in log_of(csv)]
    assert outcomes == ["error"] * 3 + ["never loaded"] * (PROBLEMS - 3)
    assert "no weights here" in log_of(csv)[0]["error"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("raises", "predict raised at 000002: ValueError: a line$"),
        ("hangs", r"no answer to 000002 within 0\.5 s"),
        ("dies", r"the program ended \(exit status -9\) while asked 000002"),
    ],
)
def test_the_same_fault_without_it_takes_the_run_down(csv: Path, fault: str, reason: str) -> None:
    with pytest.raises(InvalidSubmissionError, match=reason):
        take_part(csv, "naked", {"2": fault}, private=True, seconds=0.5)
    assert not (csv.parent / "submission.parquet").exists()


@pytest.mark.row("S3-C1")
def test_a_program_killed_at_problem_30_fails_and_begun_again_answers_all(csv: Path) -> None:
    with pytest.raises(InvalidSubmissionError, match=r"ended \(exit status -9\) while asked 00001d"):
        take_part(csv, "dying", {}, private=True)
    assert not (csv.parent / "submission.parquet").exists()
    take_part(csv, "wrapped", {}, private=True)
    assert answers_of(csv) == {number: number for number in range(PROBLEMS)}


def test_a_program_that_never_serves_is_an_invalid_submission(csv: Path) -> None:
    with pytest.raises(InvalidSubmissionError, match=r"the program ended \(exit status 3\)"):
        run_program([sys.executable, "-c", "raise SystemExit(3)"], csv, out=csv.parent / "out.parquet")
    with pytest.raises(InvalidSubmissionError, match=r"no server within 0\.2 s"):
        run_program(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            csv,
            out=csv.parent / "out.parquet",
            start_seconds=0.2,
        )
    assert not (csv.parent / "out.parquet").exists()
