"""Every row of the table of answers."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from tests.olympiad.cases import Case, cases

from longhand.olympiad.answers.extract import LENIENT, extract
from longhand.olympiad.answers.value import Answer, Number, Words

CASES = cases()


@pytest.mark.row("S3-E1")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.text} {case.why}")
def test_a_row_is_found_and_read_as_it_says(case: Case) -> None:
    found = extract(case.text, case.rules)
    if found is None:
        assert (case.rule, case.extracted, case.value) == ("none", "", "none")
        return
    assert (found.rule, found.text) == (case.rule, case.extracted)
    assert written(found.answer) == case.value or (isinstance(found.answer, Words) and case.value == "words")
    assert not isinstance(found.answer, Words) or found.answer.reason


def written(answer: Answer) -> str:
    """An answer as it stands in the table; the members of a set in order of their value."""
    if isinstance(answer, Number):
        return str(answer.value)
    if isinstance(answer, Words):
        return answer.text
    begin, end = (
        "{}" if answer.kind == "set" else (answer.kind[: len(answer.kind) // 2], answer.kind[len(answer.kind) // 2 :])
    )
    items = sorted(answer.items, key=_place) if answer.kind == "set" else answer.items
    return begin + "; ".join(map(written, items)) + end


def _place(answer: Answer) -> tuple[bool, Fraction]:
    return (False, answer.value) if isinstance(answer, Number) else (True, Fraction(0))


def test_the_table_is_as_large_as_was_asked_for_and_says_nothing_twice() -> None:
    assert len(CASES) >= 300
    assert max(Counter(case.text for case in CASES).values()) == 1
    assert {*LENIENT, "none"} == {case.rule for case in CASES}
