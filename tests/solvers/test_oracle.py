from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.verdict import Verdict, judge
from longhand.data.encode import encode_problems
from longhand.errors import UserError
from longhand.solvers.base import Solver, TeacherForced
from longhand.solvers.oracle import Fault, Oracle
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

SMALL = Domain(max_operand=30)
FORMATS = [
    Format(),
    Format(style="question", begin=True),
    Format(operand_width=2, answer_width=3, reverse_operands=True, reverse_answer=True),
    Format(steps="columns"),
]


def test_it_is_a_solver_that_can_be_teacher_forced() -> None:
    assert isinstance(Oracle(), Solver)
    assert isinstance(Oracle(), TeacherForced)


@pytest.mark.parametrize("format", FORMATS)
def test_without_faults_it_is_always_right(format: Format) -> None:
    oracle = Oracle(SMALL, format)
    problems = list(SMALL)
    completions = oracle.solve([p.expression for p in problems])
    verdicts = {judge(p, c, domain=SMALL) for p, c in zip(problems, completions, strict=True)}
    assert verdicts == {"correct"}
    assert [c.answer for c in completions] == [p.answer for p in problems]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("fault", Fault)
def test_a_fault_earns_the_verdict_it_is_named_after(format: Format, fault: Fault) -> None:
    domain = Domain(operators=("+", "-"), max_operand=30, negatives="allow")
    problems = list(domain)
    oracle = Oracle(domain, format, fault_shares={fault: 1.0})
    for problem, completion in zip(problems, oracle.solve([p.expression for p in problems]), strict=True):
        assert judge(problem, completion, domain=domain) == fault.value


@pytest.mark.parametrize("fault", [None, *Fault])
def test_comparisons_earn_every_verdict_too(fault: Fault | None) -> None:
    domain, format = Domain(operators=("?",), max_operand=12), Format(begin=True, notation="schoolbook")
    shares = {} if fault is None else {fault: 1.0}
    oracle = Oracle(domain, format, vocabulary("compare_rows"), fault_shares=shares)
    for problem, completion in zip(domain, oracle.solve([p.expression for p in domain]), strict=True):
        assert judge(problem, completion, domain=domain) == ("correct" if fault is None else fault.value)


def test_named_problems_are_wrong_and_no_others() -> None:
    oracle = Oracle(SMALL, faults={"9+1": Fault.WRONG, "3-3": Fault.MALFORMED})
    answers = [c.answer for c in oracle.solve(["9+1=", "1+9=", "3 - 3"])]
    assert answers == ["9", "10", None]


def test_shares_are_kept_and_a_call_is_as_wrong_as_the_next() -> None:
    oracle = Oracle(SMALL, fault_shares={Fault.WRONG: 0.2, Fault.UNFINISHED: 0.1}, seed=3)
    problems = list(SMALL)
    verdicts = [judge(p, c) for p, c in zip(problems, oracle.solve([str(p) for p in problems]), strict=True)]
    counts = Counter(verdicts)
    assert counts[Verdict.WRONG] / len(problems) == pytest.approx(0.2, abs=0.03)
    assert counts[Verdict.UNFINISHED] / len(problems) == pytest.approx(0.1, abs=0.03)
    backwards = oracle.solve([str(p) for p in reversed(problems)])
    assert [judge(p, c) for p, c in zip(reversed(problems), backwards, strict=True)] == verdicts[::-1]
    other = Oracle(SMALL, fault_shares=oracle.fault_shares, seed=4)
    assert [other.fault_of(p) for p in problems] != [oracle.fault_of(p) for p in problems]


@pytest.mark.parametrize("format", FORMATS)
def test_teacher_forcing_agrees_with_what_it_writes(format: Format) -> None:
    oracle = Oracle(SMALL, format, fault_shares=dict.fromkeys(Fault, 0.1))
    problems = list(SMALL)
    rows = encode_problems(problems, format, oracle.vocabulary)
    exact = oracle.exact_rows(rows.ids, rows.prompt_lengths, rows.lengths)
    completions = oracle.solve([str(p) for p in problems])
    right = [judge(p, c) == "correct" for p, c in zip(problems, completions, strict=True)]
    assert exact.tolist() == right
    matches = oracle.token_matches(rows.ids, rows.lengths)
    places = np.arange(matches.shape[1])
    target = (places >= rows.prompt_lengths[:, None] - 1) & (places < rows.lengths[:, None] - 1)
    assert ((matches | ~target).all(axis=1) == exact).all()
    assert not (matches & ~target).any()


def test_a_limit_cuts_the_answer() -> None:
    (completion,) = Oracle().solve(["99+1="], max_new_tokens=2)
    assert (completion.text, completion.finish_reason) == ("10", "length")
    assert Oracle().solve(["99+1="], max_new_tokens=4)[0].finish_reason == "stop"


def test_it_refuses_what_asks_nothing_and_ranges_it_does_not_know() -> None:
    with pytest.raises(UserError, match=r"'7\+' ends where a number is expected"):
        Oracle().solve(["7+"])
    with pytest.raises(UserError, match="out of range without a domain"):
        Oracle(faults={"1+1": Fault.OUT_OF_RANGE}).solve(["1+1"])
