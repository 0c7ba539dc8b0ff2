"""Every row of the table of answers."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from tests.olympiad.cases import Case, cases

from longhand.olympiad.answers.extract import extract
from longhand.olympiad.answers.value import Group, Number, Words

CASES = cases()


@pytest.mark.row("S3-E1")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.text} {case.why}")
def test_a_row_is_found_and_read_as_it_says(case: Case) -> None:
    found = extract(case.text, case.rules)
    if found is None:
        assert (case.rule, case.extracted, case.value) == ("none", "", "none")
        return
    assert (found.rule, found.text) == (case.rule, case.extracted)
    if isinstance(found.answer, Number):
        assert found.answer.value == Fraction(case.value)
    else:
        assert case.value == {Group: "group", Words: "words"}[type(found.answer)]
        assert isinstance(found.answer, Group) or found.answer.reason


def test_the_table_is_as_large_as_was_asked_for_and_says_nothing_twice() -> None:
    assert len(CASES) >= 300
    assert max(Counter(case.text for case in CASES for case in CASES).values()) == 1
    assert {"boxed", "hashes", "phrase", "last number", "none"} == {case.rule for case in CASES}
