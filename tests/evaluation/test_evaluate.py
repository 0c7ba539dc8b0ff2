from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Problem
from longhand.arithmetic.verdict import Verdict, judge
from longhand.errors import UserError
from longhand.evaluation import evaluate as module
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.metrics import VERDICTS, Share, verdict_counts
from longhand.evaluation.suites import DomainSuite, ListSuite
from longhand.solvers.base import Completion, Solver, TeacherForced
from longhand.solvers.oracle import Fault, Oracle
from longhand.text.formats import Format
from longhand.text.worked_steps import WORKED_STEPS

SMALL = Domain(max_operand=40)
FAULTS = dict.fromkeys(Fault, 0.03)


@dataclass(frozen=True)
class Decoding:
    """An oracle without teacher forcing: a solver and nothing more."""

    oracle: Oracle

    @property
    def domain(self) -> Domain | None:
        return self.oracle.domain

    def solve(self, prompts: Sequence[str], **settings: object) -> list[Completion]:
        return self.oracle.solve(prompts)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 500)


def _verdicts(solver: Solver, problems: Sequence[Problem]) -> list[Verdict]:
    completions = solver.solve([str(p) for p in problems])
    return [judge(p, c, domain=SMALL) for p, c in zip(problems, completions, strict=True)]


def test_a_perfect_solver_makes_no_errors_and_nothing_is_decoded() -> None:
    report = evaluate(Oracle(SMALL), DomainSuite(SMALL))
    assert (report.total, report.correct, report.errors) == (SMALL.size, SMALL.size, 0)
    assert report.interval == (1.0, 1.0)
    assert report.n_decoded == 0
    assert report.failures == ()


@pytest.mark.row("S0-E2", "S2-E1")
@pytest.mark.parametrize("wrap", [Decoding, lambda oracle: oracle], ids=["decoding", "teacher-forced"])
@pytest.mark.parametrize(
    "format", [Format(), Format(operand_width=2, answer_width=3, reverse_answer=True), Format(steps="columns")]
)
def test_every_verdict_is_that_of_the_judge(wrap: object, format: Format) -> None:
    oracle = Oracle(SMALL, format, fault_shares=FAULTS)
    assert callable(wrap)
    report = evaluate(wrap(oracle), DomainSuite(SMALL))
    wanted = _verdicts(oracle, list(SMALL))
    assert [VERDICTS[code] for code in report.codes] == wanted
    assert verdict_counts(report.tally) == {str(v): wanted.count(v) for v in VERDICTS}
    assert 0 < report.errors < report.total


def test_only_what_is_not_surely_right_is_decoded() -> None:
    oracle = Oracle(SMALL, fault_shares=FAULTS)
    assert isinstance(oracle, TeacherForced)
    assert not isinstance(Decoding(oracle), TeacherForced)
    forced, decoded = evaluate(oracle, DomainSuite(SMALL)), evaluate(Decoding(oracle), DomainSuite(SMALL))
    assert forced.n_decoded == forced.errors
    assert decoded.n_decoded == decoded.total
    assert forced.tally == decoded.tally


@pytest.mark.parametrize(
    "format", [Format(steps="columns"), Format(steps="digitwise", operand_width=2), Format(steps="digitwise")]
)
def test_steps_that_are_surely_written_count_like_those_that_are_read(format: Format) -> None:
    sure = evaluate(Oracle(SMALL, format), DomainSuite(SMALL))
    assert sure.n_decoded == 0
    n_steps = sum(len(WORKED_STEPS[format.steps].steps(problem, format.number_width)) for problem in SMALL)
    assert sure.shares["cot_step_accuracy"] == Share(n_steps, n_steps)
    faulty = evaluate(Oracle(SMALL, format, fault_shares=FAULTS), DomainSuite(SMALL))
    assert faulty.n_decoded == faulty.errors > 0
    assert faulty.shares["cot_step_accuracy"] == Share(n_steps, n_steps)  # its faults are in the answers


def test_a_list_of_problems_is_evaluated_like_the_domain_it_lists() -> None:
    oracle = Oracle(SMALL, fault_shares=FAULTS)
    listed, domain = evaluate(oracle, ListSuite("list", tuple(SMALL))), evaluate(oracle, DomainSuite(SMALL))
    assert listed.tally == domain.tally
    assert listed.shares == domain.shares
    assert listed.failures == domain.failures
    assert listed.interval[0] < listed.correct / listed.total < listed.interval[1]


def test_tokens_are_counted_the_same_whether_or_not_prompts_are(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = Oracle(SMALL, fault_shares=FAULTS)
    both = evaluate(oracle, DomainSuite(SMALL)).shares
    monkeypatch.setattr(module, "ALL_TOKENS_UP_TO", 10)
    answers = evaluate(oracle, DomainSuite(SMALL)).shares
    assert set(both) == {"token_accuracy_answer", "token_accuracy_all"}
    assert answers == {"token_accuracy_answer": both["token_accuracy_answer"]}
    n_tokens = sum(len(p.answer) + 1 for p in SMALL)
    assert both["token_accuracy_answer"].total == n_tokens
    assert 0 < both["token_accuracy_answer"].right < n_tokens


def test_steps_are_counted_where_there_are_steps() -> None:
    report = evaluate(Oracle(SMALL, Format(steps="columns")), DomainSuite(SMALL))
    n_steps = sum(len(str(max(p.operands))) for p in SMALL if max(p.operands) > 9)
    assert report.shares["cot_step_accuracy"] == Share(n_steps, n_steps)


@pytest.mark.row("S4-E1")
def test_samples_are_all_problems_in_order_and_failures_those_that_went_wrong(tmp_path: Path) -> None:
    format = Format(operand_width=2, answer_width=3, reverse_answer=True)
    oracle = Oracle(SMALL, format, fault_shares=FAULTS)
    paths = [tmp_path / "s.jsonl", tmp_path / "f.jsonl"]
    report = evaluate(oracle, DomainSuite(SMALL), samples=paths[0], failures=paths[1])
    samples, failures = ([json.loads(line) for line in path.read_text().splitlines()] for path in paths)
    decoded = tmp_path / "decoded.jsonl"
    evaluate(Decoding(oracle), DomainSuite(SMALL), samples=decoded)
    assert [json.loads(line) for line in decoded.read_text().splitlines()] == samples
    assert [sample["prompt"] for sample in samples] == [f"{problem}=" for problem in SMALL]
    assert [sample["verdict"] for sample in samples] == [VERDICTS[code] for code in report.codes]
    assert failures == [sample for sample in samples if sample["verdict"] != "correct"]
    assert failures[0] == {
        "prompt": report.failures[0].prompt,
        "expected": report.failures[0].expected,
        "answer": report.failures[0].answer,
        "text": report.failures[0].text,
        "verdict": str(report.failures[0].verdict),
        "finish_reason": report.failures[0].finish_reason,
    }
    assert samples[1] == {
        "prompt": "0+1=", "expected": "1", "answer": "1", "text": "100", "verdict": "correct", "finish_reason": "stop",
    }  # fmt: skip


def test_a_report_holds_the_first_failures_and_the_file_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FAILURES_KEPT", 7)
    oracle = Oracle(SMALL, fault_shares={Fault.WRONG: 1.0})
    report = evaluate(oracle, DomainSuite(SMALL), failures=tmp_path / "f.jsonl")
    assert len(report.failures) == 7
    assert len((tmp_path / "f.jsonl").read_text().splitlines()) == report.errors == SMALL.size


def test_progress_is_told_until_all_is_done() -> None:
    told: list[tuple[int, int]] = []
    evaluate(Oracle(SMALL), DomainSuite(SMALL), progress=lambda done, total: told.append((done, total)))
    n = SMALL.size
    assert told == [(min(done, n), n) for done in range(500, n + 500, 500)]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        evaluate(Oracle(SMALL), DomainSuite(SMALL), samples=tmp_path / "taken" / "s.jsonl")
    with pytest.raises(UserError, match="has 2 digits"):
        evaluate(Oracle(SMALL, Format(operand_width=1)), DomainSuite(SMALL), samples=tmp_path / "half.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_an_empty_suite_is_an_error() -> None:
    with pytest.raises(UserError, match="the suite 'none' holds no problems"):
        evaluate(Oracle(), ListSuite("none", ()))
