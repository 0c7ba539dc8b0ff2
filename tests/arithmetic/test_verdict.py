"""The order in which the judge looks at a completion."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.verdict import Verdict, judge


@dataclass(frozen=True)
class Said:
    answer: str | None
    finish_reason: str = "stop"


@pytest.mark.row("S2-E1")
@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (Said("4", "length"), Verdict.UNFINISHED),
        (Said(None, "length"), Verdict.UNFINISHED),
        (Said("5000", "length"), Verdict.UNFINISHED),
        (Said(None), Verdict.MALFORMED),
        (Said("4"), Verdict.CORRECT),
        (Said("5"), Verdict.WRONG),
        (Said("04"), Verdict.WRONG),
        (Said("1998"), Verdict.WRONG),
        (Said("1999"), Verdict.OUT_OF_RANGE),
        (Said("-1"), Verdict.OUT_OF_RANGE),
        (Said("9" * 4300), Verdict.OUT_OF_RANGE),
        (Said("9" * 5000), Verdict.OUT_OF_RANGE),  # longer than what Python converts by itself
        (Said("5000/3"), Verdict.WRONG),
        (Said("5000r1"), Verdict.WRONG),
        (Said("９９９９"), Verdict.WRONG),
        (Said(" 9_999"), Verdict.WRONG),
    ],
)
def test_the_first_that_applies_is_the_verdict(said: Said, verdict: Verdict) -> None:
    assert judge(parse_expression("2+2"), said, domain=Domain()) is verdict


def test_without_a_domain_nothing_is_out_of_range() -> None:
    assert judge(parse_expression("2+2"), Said("1999")) is Verdict.WRONG


@pytest.mark.parametrize(("text", "answer"), [("1/3", "1/3"), ("2/6", "1/3"), ("4-9", "-5"), ("6/2", "3")])
def test_fractions_and_negatives_are_judged_in_lowest_terms(text: str, answer: str) -> None:
    assert judge(parse_expression(text), Said(answer)) is Verdict.CORRECT
    assert judge(parse_expression(text), Said(f"{answer}0")) is Verdict.WRONG


def test_a_remainder_is_part_of_the_answer() -> None:
    problem = parse_expression("157/7", division="remainder")
    assert judge(problem, Said("22r3")) is Verdict.CORRECT
    for wrong in ("22", "22r4", "157/7"):
        assert judge(problem, Said(wrong)) is Verdict.WRONG


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (Said(">"), Verdict.CORRECT),
        (Said("<"), Verdict.WRONG),
        (Said("="), Verdict.WRONG),
        (Said("5"), Verdict.OUT_OF_RANGE),
        (Said(None), Verdict.MALFORMED),
        (Said(">", "length"), Verdict.UNFINISHED),
    ],
)
def test_an_order_is_the_answer_of_a_comparison_and_no_number_is(said: Said, verdict: Verdict) -> None:
    assert judge(parse_expression("12?7"), said, domain=Domain(("?",))) is verdict


def test_verdicts_are_written_as_plain_words() -> None:
    assert [str(verdict) for verdict in Verdict] == ["correct", "wrong", "malformed", "unfinished", "out_of_range"]
