"""The keys themselves: their form is what arrays of problems are hashed by."""

from __future__ import annotations

import pytest

from longhand.arithmetic.canonical import LITERAL, ORDER_FACT, PRODUCT_FACT, SUM_FACT, TERMS, canonical_key
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Problem


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("7+5", (TERMS, 0, 3, 1, 1, 5, 3, 1, 1, 7)),
        ("7-5", (TERMS, 0, 3, -1, 1, 5, 3, 1, 1, 7)),
        ("7*5", (TERMS, 0, 4, 1, 2, 5, 7)),
        ("7?-5", (ORDER_FACT, -5, 7)),
        ("8/4/2", (TERMS, 0, 5, 1, 1, 8, 2, 4)),
        ("9-4*3/2+1", (TERMS, 0, 5, -1, 2, 3, 4, 2, 3, 1, 1, 1, 3, 1, 1, 9)),
    ],
)
def test_terms_and_factors_are_sorted(text: str, key: tuple[int, ...]) -> None:
    assert canonical_key(parse_expression(text)) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("11+951", (SUM_FACT, 11, 951)),
        ("962-951", (SUM_FACT, 11, 951)),
        ("951-962", (SUM_FACT, 11, 951)),
        ("-11+962", (SUM_FACT, 11, 951)),
        ("6*7", (PRODUCT_FACT, 6, 7)),
        ("42/7", (PRODUCT_FACT, 6, 7)),
        ("42/-6", (PRODUCT_FACT, 6, 7)),
        ("0*7", (PRODUCT_FACT, 0, 7)),
        ("0/7", (PRODUCT_FACT, 0, 7)),
        ("7?5", (ORDER_FACT, 5, 7)),
        ("-5?7", (ORDER_FACT, 5, 7)),
        ("43/7", (TERMS, 0, 4, 1, 1, 43, 7)),
        ("1+2+3", (TERMS, 0, 3, 1, 1, 1, 3, 1, 1, 2, 3, 1, 1, 3)),
    ],
)
def test_facts_of_two_operands_have_the_key_of_their_family(text: str, key: tuple[int, ...]) -> None:
    assert canonical_key(parse_expression(text), inverse=True) == key


def test_a_remainder_sets_a_division_apart() -> None:
    exact, remainder = (parse_expression("43/7", division=rule) for rule in ("exact", "remainder"))
    for inverse in (False, True):
        assert canonical_key(remainder, inverse=inverse) == (TERMS, 1, 4, 1, 1, 43, 7)
        assert canonical_key(exact, inverse=inverse) == (TERMS, 0, 4, 1, 1, 43, 7)


def test_a_mixed_chain_read_from_left_to_right_keeps_its_order() -> None:
    assert canonical_key(Problem((2, 3, 4), ("+", "*"), "left_to_right")) == (LITERAL, 2, 0, 3, 2, 4)
    assert canonical_key(Problem((9, 7, 2), ("-", "/"), "left_to_right")) == (LITERAL, 9, 1, 7, 3, 2)


@pytest.mark.parametrize("text", ["4-3+2", "4*3/2", "4+3"])
def test_where_both_rules_agree_so_do_the_keys(text: str) -> None:
    by_precedence, from_left = (parse_expression(text, semantics=s) for s in ("precedence", "left_to_right"))
    assert canonical_key(by_precedence) == canonical_key(from_left)


def test_a_domain_has_as_many_families_as_different_facts() -> None:
    pairs = [(a, b) for a in range(40) for b in range(40)]
    sums = {canonical_key(Problem(pair, ("+",)), inverse=True) for pair in pairs}
    products = {canonical_key(Problem(pair, ("*",)), inverse=True) for pair in pairs}
    assert len(sums) == len(products) == 40 * 41 // 2
    assert not sums & products
