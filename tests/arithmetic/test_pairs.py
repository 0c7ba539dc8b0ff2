"""Two operands: closed forms against lists of everything."""

from __future__ import annotations

from itertools import product

import pytest

from longhand.arithmetic.pairs import Pairs


def listed_answers(pairs: Pairs, operator: str) -> list[int]:
    answers = []
    for a, b in product(range(pairs.low, pairs.high + 1), repeat=2):
        match operator:
            case "+":
                answer = a + b
            case "-":
                answer = a - b
            case "*":
                answer = a * b
            case _:
                if b == 0 or (pairs.exact and a % b):
                    continue
                answer = a // b if b > 0 else -(a // -b)  # the remainder is never negative
        if answer >= 0 or pairs.negative:
            answers.append(answer)
    return answers


@pytest.mark.parametrize("negative", [False, True])
def test_any_two_numbers_can_be_compared(negative: bool) -> None:
    assert Pairs(-7, 9, True, negative).count("?") == 17 * 17


@pytest.mark.parametrize("operator", "+-*/")
@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("exact", [False, True])
def test_counts_and_ranges_are_those_of_the_list(operator: str, negative: bool, exact: bool) -> None:
    for low in range(-7, 8):
        for high in range(low, 9):
            pairs = Pairs(low, high, exact, negative)
            answers = listed_answers(pairs, operator)
            assert pairs.count(operator) == len(answers)
            assert pairs.answer_range(operator) == ((min(answers), max(answers)) if answers else None)
