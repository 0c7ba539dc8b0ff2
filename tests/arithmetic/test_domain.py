"""Sizes, order, membership and limits of domains, and the ones that cannot be."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import pytest

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Problem
from longhand.errors import UserError


def expressions(domain: Domain) -> list[str]:
    return [problem.expression for problem in domain]


def test_the_default_domain_is_every_three_digit_sum_and_difference() -> None:
    domain = Domain()
    assert domain.size == 1_500_500
    assert domain.answer_range() == (0, 1998)
    assert domain.max_answer_digits == 4
    assert domain.contains(parse_expression("999+999"))
    assert domain.contains(parse_expression("100-99"))
    assert not domain.contains(parse_expression("99-100"))
    assert not domain.contains(parse_expression("1000-1"))
    assert not domain.contains(parse_expression("1+2+3"))


def test_problems_are_listed_by_operators_then_operands() -> None:
    listed = expressions(Domain(("-", "+"), max_operand=2))
    assert " ".join(listed) == "0-0 1-0 1-1 2-0 2-1 2-2 0+0 0+1 0+2 1+0 1+1 1+2 2+0 2+1 2+2"
    divisions = expressions(Domain(("/",), min_operand=-2, max_operand=2, negatives="allow"))
    assert " ".join(divisions) == "-2/-2 -2/-1 -2/1 -2/2 -1/-1 -1/1 0/-2 0/-1 0/1 0/2 1/-1 1/1 2/-2 2/-1 2/1 2/2"
    chains = expressions(Domain(("+", "*"), 3, 0, 1))
    assert " ".join(chains[:9]) == "0+0+0 0+0+1 0+1+0 0+1+1 1+0+0 1+0+1 1+1+0 1+1+1 0+0*0"


def test_the_places_of_pairs_follow_from_their_operands() -> None:
    # The arithmetic by which arrays of problems are indexed: a full square, and a triangle with a >= b.
    low, high = 3, 9
    n = high - low + 1
    for place, problem in enumerate(Domain(("+", "-"), min_operand=low, max_operand=high)):
        a, b = (operand - low for operand in problem.operands)
        assert place == (a * n + b if problem.operators == ("+",) else n * n + a * (a + 1) // 2 + b)


@pytest.mark.parametrize(
    ("domain", "size"),
    [
        (Domain(negatives="allow"), 2_000_000),
        (Domain(negatives="swap"), 1_500_500),
        (Domain(("+", "-", "*"), max_operand=10**9), (10**9 + 1) ** 2 * 2 + (10**9 + 1) * (10**9 + 2) // 2),
        (Domain(("/",), max_operand=99), 473 + 99),  # divisors of 1..99, and 0 divided by each of 1..99
        (Domain(("/",), max_operand=99, division="remainder"), 9_900),
        (Domain(("+", "-", "*", "/"), max_operand=999), 2_500_500 + sum(999 // b + 1 for b in range(1, 1000))),
        (Domain(("+",), 5, 0, 99), 10**10),
        (Domain(("+", "*"), 3, 0, 9, semantics="left_to_right"), 4_000),
        (Domain(("?",)), 1_000_000),
        (Domain(("?",), min_operand=-5, max_operand=-1, negatives="swap"), 25),
        (Domain(("-",), 3, 0, 9), 220),  # pairs that sum to at most a third: tetrahedral
    ],
)
def test_known_sizes(domain: Domain, size: int) -> None:
    assert domain.size == size


def test_swapping_asks_the_same_problems_as_rejecting() -> None:
    swap, reject = (Domain(max_operand=9, negatives=n) for n in ("swap", "reject"))
    assert list(swap) == list(reject)
    assert not swap.contains(parse_expression("3-4"))


def test_rules_that_make_no_difference_do_not_keep_a_problem_out() -> None:
    domain = Domain(("+", "-", "*"), 3, 0, 9)
    assert domain.contains(parse_expression("9-3+1", semantics="left_to_right"))
    assert domain.contains(parse_expression("2*3+4", semantics="left_to_right"))
    assert not domain.contains(parse_expression("2+3*4", semantics="left_to_right"))
    divisions = Domain(("+", "/"), max_operand=9, division="remainder")
    assert divisions.contains(parse_expression("3+4", division="exact"))
    assert divisions.contains(parse_expression("7/2", division="remainder"))
    assert not divisions.contains(parse_expression("8/2", division="exact"))


def test_only_whole_answers_belong_to_exact_division() -> None:
    assert not Domain(("/",)).contains(Problem((7, 2), ("/",)))
    assert Domain(("/", "+"), 4, 0, 9).contains(Problem((1, 2, 1, 2), ("/", "+", "/")))


@pytest.mark.parametrize(
    ("domain", "answers"),
    [
        (Domain(negatives="allow"), (-999, 1998)),
        (Domain(("*",), min_operand=-3, max_operand=5), (0, 25)),
        (Domain(("/",), min_operand=2, max_operand=999), (1, 499)),
        (Domain(("/",), min_operand=-9, max_operand=9, negatives="allow", division="remainder"), (-9, 9)),
        (Domain(("+", "-"), 4, 0, 9, negatives="allow"), (-27, 36)),
        (Domain(("+", "-", "*"), 3, 0, 9, negatives="allow"), (-81, 729)),
        (Domain(("+", "-", "*"), 3, 0, 9, negatives="allow", semantics="left_to_right"), (-81, 729)),
        (Domain(("/",), 3, 2, 9), (1, 2)),
    ],
)
def test_known_answer_ranges(domain: Domain, answers: tuple[int, int]) -> None:
    assert domain.answer_range() == answers
    assert domain.max_answer_digits == max(len(str(abs(answer))) for answer in answers)


@pytest.mark.parametrize(
    "domain", [Domain(("/",), max_operand=0), Domain(("+",), min_operand=-5, max_operand=-1), Domain(("/",), 3, 2, 3)]
)
def test_a_domain_without_problems_has_no_answer_range(domain: Domain) -> None:
    assert (list(domain), domain.size) == ([], 0)
    with pytest.raises(UserError, match=r"no problem lies in the domain .*; widen its operands or operators"):
        domain.answer_range()


def test_comparisons_have_no_answer_range() -> None:
    with pytest.raises(UserError, match=r"a\?b is answered by no number"):
        Domain(("?",)).answer_range()


def test_dividends_are_what_a_divisor_may_divide() -> None:
    domain = Domain(("/",), min_operand=-4, max_operand=13)
    assert list(domain.dividends(4)) == [0, 4, 8, 12]
    assert list(domain.dividends(-2)) == [-4, -2, 0]
    for nothing in (0, 14):
        assert not domain.dividends(nothing)
    assert not Domain().dividends(4)


def test_a_domain_travels_as_json() -> None:
    domain = Domain(("*", "/"), 2, -3, 12, "allow", "remainder", "left_to_right")
    assert Domain.from_dict(json.loads(json.dumps(domain.to_dict()))) == domain
    assert Domain.from_dict({}) == Domain()
    assert Domain.from_dict({"operators": ["-"]}).operators == ("-",)
    assert hash(Domain.from_dict(domain.to_dict())) == hash(domain)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"operators": ["%"]}, "unknown operator '%'; known are + - * / ?"),
        ({"operators": ["+", "?"]}, "operators + ?: ? goes with no other; give it alone"),
        ({"operators": ["?"], "n_operands": 3}, "n_operands is 3; a comparison takes 2"),
        ({"operators": []}, "operators []: give at least one of + - * / ?"),
        ({"operators": 7}, "operators 7: give at least one of + - * /"),
        ({"operators": ["+", "+"]}, "operator '+' is given twice; give each once"),
        ({"min_operand": 5, "max_operand": 4}, "min_operand 5 is above max_operand 4"),
        ({"max_operand": 9.5}, "max_operand is 9.5; give a whole number"),
        ({"min_operand": "0"}, "min_operand is '0'; give a whole number"),
        ({"n_operands": True}, "n_operands is True; give a whole number"),
        ({"n_operands": 1}, "n_operands is 1; a problem has at least 2"),
        ({"negatives": "maybe"}, "negatives 'maybe' is unknown; choose allow, swap, reject"),
        ({"division": "decimal"}, "division 'decimal' is unknown; choose exact, remainder"),
        ({"semantics": ["precedence"]}, "semantics ['precedence'] is unknown; choose precedence, left_to_right"),
        ({"negatives": "swap", "n_operands": 3}, "negatives: swap exchanges two operands"),
        ({"division": "remainder", "operators": ["/"], "n_operands": 3}, "division: remainder takes two operands"),
        ({"max_operands": 9}, "unknown key 'max_operands' in a domain; known are operators, n_operands"),
    ],
)
def test_an_impossible_domain_gets_one_clear_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as refusal:
        Domain.from_dict(settings)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)


def test_a_huge_domain_is_listed_as_far_as_one_likes() -> None:
    first = islice(Domain(max_operand=10**12), 1000)
    assert [problem.operands for problem in first] == [(0, b) for b in range(1000)]
