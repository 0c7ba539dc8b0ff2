"""Laws of problems, keys, splits and verdicts."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from longhand.arithmetic.canonical import canonical_key
from longhand.arithmetic.carries import borrows, carries, carry_chain
from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Problem, QuotientRemainder
from longhand.arithmetic.splits import SplitConfig, split_hash
from longhand.arithmetic.verdict import Verdict, judge
from longhand.errors import UserError

numbers = st.integers(-(10**25), 10**25)
naturals = st.integers(0, 10**25)
small = st.integers(-12, 12)
semantics = st.sampled_from(["precedence", "left_to_right"])


@st.composite
def problems(draw: st.DrawFn, operand: st.SearchStrategy[int] = numbers, max_operators: int = 4) -> Problem:
    operators = draw(st.lists(st.sampled_from("+-*/"), min_size=1, max_size=max_operators))
    operands = draw(st.lists(operand, min_size=len(operators) + 1, max_size=len(operators) + 1))
    try:
        return Problem(tuple(operands), tuple(operators), draw(semantics))
    except UserError:
        assume(False)
        raise AssertionError from None


@dataclass
class Said:
    answer: str | None
    finish_reason: str = "stop"


def independent_value(problem: Problem) -> Fraction:
    """The value by Python's own grammar, over fractions."""
    source = f"{problem.operands[0]}"
    for operator, operand in zip(problem.operators, problem.operands[1:], strict=True):
        source = f"({source}){operator}({operand})" if problem.semantics == "left_to_right" else (
            f"{source}{operator}({operand})"
        )  # fmt: skip

    def walk(node: ast.expr) -> Fraction:
        match node:
            case ast.Constant(value=int() as value):
                return Fraction(value)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -walk(inner)
            case ast.BinOp(left=left, op=op, right=right):
                x, y = walk(left), walk(right)
                return {ast.Add: x + y, ast.Sub: x - y, ast.Mult: x * y}[type(op)] if type(op) is not ast.Div else x / y
        raise AssertionError(node)

    return walk(ast.parse(source, mode="eval").body)


@given(problems())
def test_the_answer_is_the_value_by_pythons_own_grammar(problem: Problem) -> None:
    assert problem.value == independent_value(problem)
    assert problem.answer == str(independent_value(problem))


@given(problems())
def test_a_problem_reads_back_from_its_expression(problem: Problem) -> None:
    for text in (problem.expression, problem.expression + "=", f"What is {problem.expression}?"):
        assert parse_expression(text, semantics=problem.semantics) == problem


@given(naturals, naturals)
def test_commuted_twins_share_a_key(a: int, b: int) -> None:
    for operator in "+*":
        one, other = Problem((a, b), (operator,)), Problem((b, a), (operator,))
        assert canonical_key(one) == canonical_key(other)
        assert canonical_key(one, inverse=True) == canonical_key(other, inverse=True)


@given(naturals, naturals)
def test_the_four_facts_of_a_sum_are_one_family(a: int, b: int) -> None:
    c = a + b
    facts = [Problem((a, b), ("+",)), Problem((b, a), ("+",)), Problem((c, a), ("-",)), Problem((c, b), ("-",))]
    facts += [Problem((a, c), ("-",)), Problem((b, c), ("-",))]
    assert len({canonical_key(fact, inverse=True) for fact in facts}) == 1


@given(st.integers(1, 10**25), st.integers(1, 10**25))
def test_the_four_facts_of_a_product_are_one_family(a: int, b: int) -> None:
    c = a * b
    facts = [Problem((a, b), ("*",)), Problem((b, a), ("*",)), Problem((c, a), ("/",)), Problem((c, b), ("/",))]
    assert len({canonical_key(fact, inverse=True) for fact in facts}) == 1


@given(problems(small, 3), problems(small, 3))
def test_problems_with_the_same_key_have_the_same_answer(one: Problem, other: Problem) -> None:
    if canonical_key(one) == canonical_key(other):
        assert one.value == other.value


@given(st.permutations([(1, 2), (1, 3), (-1, 4), (-1, 7)]))
def test_the_terms_of_a_sum_may_stand_in_any_order(terms: list[tuple[int, int]]) -> None:
    assume(terms[0][0] == 1)
    problem = Problem(
        tuple(number for _, number in terms), tuple("+" if sign > 0 else "-" for sign, _ in terms[1:])
    )
    assert canonical_key(problem) == canonical_key(Problem((2, 3, 4, 7), ("+", "-", "-")))


def test_a_mixed_chain_read_from_left_to_right_is_not_reordered() -> None:
    one = Problem((2, 3, 4), ("+", "*"), "left_to_right")
    other = Problem((3, 2, 4), ("+", "*"), "left_to_right")
    assert canonical_key(one) != canonical_key(Problem((4, 2, 3), ("*", "+"), "left_to_right"))
    assert canonical_key(one) != canonical_key(other)


def test_a_key_tells_all_families_of_a_small_domain_apart() -> None:
    facts = {(min(a, b), max(a, b)) for a in range(40) for b in range(40)}
    keys = {canonical_key(Problem((a, b), ("+",)), inverse=True) for a in range(40) for b in range(40)}
    assert len(keys) == len(facts)
    products = {canonical_key(Problem((a, b), ("*",)), inverse=True) for a in range(40) for b in range(40)}
    assert not keys & products


def test_the_hash_is_pinned() -> None:
    # A changed hash would move problems between the splits of every model trained so far.
    assert split_hash((1, 11, 951), 0) == 0xD4B08486AE1D214D
    assert split_hash((1, -1, 2**200), 7) == 0xB354FC10E2E586E7


@given(st.integers(0, 2**63), st.floats(0.05, 0.9))
def test_shares_of_the_splits_are_what_was_asked(seed: int, share: float) -> None:
    config = SplitConfig(train=share, val=(1 - share) / 2, seed=seed)
    counted = sum(config.split_of(Problem((a, b), ("+",))) == "train" for a in range(60) for b in range(a, 60))
    assert abs(counted / 1830 - share) < 0.07


@given(st.integers(0, 999), st.integers(0, 999))
def test_no_fact_of_a_family_leaves_its_split(a: int, b: int) -> None:
    config = SplitConfig(train=0.19, val=0.01, seed=3)
    facts = [Problem((a, b), ("+",)), Problem((b, a), ("+",)), Problem((a + b, a), ("-",)), Problem((a + b, b), ("-",))]
    assert len({config.split_of(fact) for fact in facts}) == 1


@given(naturals, naturals)
def test_carries_explain_the_digits_of_a_sum(a: int, b: int) -> None:
    incoming = (0, *carries(a, b))
    for column, outgoing in enumerate(carries(a, b)):
        total = a // 10**column % 10 + b // 10**column % 10 + incoming[column]
        assert divmod(total, 10) == (outgoing, (a + b) // 10**column % 10)
    assert carry_chain(a, b) <= len(incoming) - 1


@given(naturals, naturals)
def test_a_difference_borrows_where_its_proof_carries(a: int, b: int) -> None:
    a, b = max(a, b), min(a, b)
    incoming = (0, *borrows(a, b))
    for column, outgoing in enumerate(borrows(a, b)):
        digit = a // 10**column % 10 - b // 10**column % 10 - incoming[column]
        assert outgoing == (digit < 0)


@given(
    st.sets(st.sampled_from("+-*/"), min_size=1),
    st.integers(-4, 6),
    st.integers(0, 6),
    st.sampled_from(["allow", "reject"]),
    st.sampled_from(["exact", "remainder"]),
)
def test_a_domain_counts_and_contains_exactly_what_it_lists(
    operators: set[str], low: int, span: int, negatives: str, division: str
) -> None:
    domain = Domain(tuple(sorted(operators)), 2, low, low + span, negatives, division)  # type: ignore[arg-type]
    listed = list(domain)
    assert len(set(listed)) == len(listed) == domain.size
    assert all(domain.contains(problem) for problem in listed)
    assert Domain.from_dict(domain.to_dict()) == domain
    if not listed:
        with pytest.raises(UserError, match="no problem lies in the domain"):
            domain.answer_range()
        return
    least, most = domain.answer_range()
    values = [p.value.quotient if isinstance(p.value, QuotientRemainder) else p.value for p in listed]
    assert all(least <= value <= most for value in values)


def test_the_domain_of_the_demo_has_1_500_500_problems() -> None:
    assert Domain().size == 1_500_500
    assert Domain().answer_range() == (0, 1998)
    assert Domain(negatives="swap").size == Domain().size


@given(st.integers(0, 999), st.integers(0, 999), st.integers(-5000, 5000))
def test_the_judge_says_correct_exactly_for_the_answer(a: int, b: int, said: int) -> None:
    verdict = judge(Problem((a, b), ("+",)), Said(str(said)), domain=Domain())
    if said == a + b:
        assert verdict is Verdict.CORRECT
    else:
        assert verdict is (Verdict.WRONG if 0 <= said <= 1998 else Verdict.OUT_OF_RANGE)


def test_an_answer_without_an_end_is_never_correct() -> None:
    problem = Problem((2, 2), ("+",))
    assert judge(problem, Said("4", "length")) is Verdict.UNFINISHED
    assert judge(problem, Said(None, "length")) is Verdict.UNFINISHED
    assert judge(problem, Said(None)) is Verdict.MALFORMED
    assert judge(problem, Said("5")) is Verdict.WRONG


@given(st.integers(-99, 99), st.integers(-20, 20))
def test_quotient_and_remainder_rebuild_the_dividend(a: int, b: int) -> None:
    assume(b != 0)
    value = Problem((a, b), ("/",), division="remainder").value
    assert isinstance(value, QuotientRemainder)
    assert value.quotient * b + value.remainder == a
    assert 0 <= value.remainder < abs(b)
