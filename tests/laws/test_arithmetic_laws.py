"""Laws of problems, keys, splits, domains and verdicts, for any numbers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Literal

from hypothesis import assume, given
from hypothesis import strategies as st

from longhand.arithmetic.canonical import canonical_key
from longhand.arithmetic.carries import borrow_chain, borrows, carries, carry_chain, longest_chain
from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Problem, QuotientRemainder
from longhand.arithmetic.splits import SplitConfig, split_hash
from longhand.arithmetic.verdict import Verdict, judge

numbers = st.integers(-(10**25), 10**25)
naturals = st.integers(0, 10**25)
small = st.integers(-12, 12)
MIRROR = str.maketrans("<>", "><")


@st.composite
def problems(draw: st.DrawFn, operand: st.SearchStrategy[int] = numbers, operators: str = "+-*/") -> Problem:
    chain = draw(st.lists(st.sampled_from(operators), min_size=1, max_size=4))
    operands = [draw(operand), *(draw(operand.filter(bool) if o == "/" else operand) for o in chain)]
    return Problem(tuple(operands), tuple(chain), draw(st.sampled_from(["precedence", "left_to_right"])))


comparisons = st.builds(lambda a, b: Problem((a, b), ("?",)), numbers, numbers)


@st.composite
def domains(draw: st.DrawFn, n_operands: int) -> Domain:
    low = draw(st.integers(-4, 6))
    division: st.SearchStrategy[Literal["exact", "remainder"]] = st.sampled_from(["exact", "remainder"])
    operators = st.lists(st.sampled_from("+-*/"), min_size=1, unique=True)
    return Domain(
        operators=tuple(draw(operators | st.just(["?"]) if n_operands == 2 else operators)),
        n_operands=n_operands,
        min_operand=low,
        max_operand=low + draw(st.integers(0, 9 if n_operands == 2 else 3)),
        negatives=draw(st.sampled_from(["allow", "reject"])),
        division=draw(division) if n_operands == 2 else "exact",
        semantics=draw(st.sampled_from(["precedence", "left_to_right"])),
    )


@dataclass(frozen=True)
class Said:
    answer: str | None
    finish_reason: str = "stop"


def python_value(problem: Problem) -> Fraction:
    """What Python itself makes of the expression, over fractions."""
    numbers = [f"Fraction({operand})" for operand in problem.operands]
    source = numbers[0]
    for operator, number in zip(problem.operators, numbers[1:], strict=True):
        source = f"{source}{operator}{number}"
        if problem.semantics == "left_to_right":
            source = f"({source})"
    value = eval(source, {"Fraction": Fraction})
    assert isinstance(value, Fraction)
    return value


# Values and spellings


@given(problems())
def test_the_answer_is_what_python_computes_with_fractions(problem: Problem) -> None:
    assert problem.value == python_value(problem)
    assert problem.answer == str(python_value(problem))
    assert isinstance(problem.value, int) == (python_value(problem).denominator == 1)


@given(numbers, numbers.filter(bool))
def test_quotient_and_remainder_rebuild_the_dividend(a: int, b: int) -> None:
    value = Problem((a, b), ("/",), division="remainder").value
    assert isinstance(value, QuotientRemainder)
    assert value.quotient * b + value.remainder == a
    assert 0 <= value.remainder < abs(b)


@given(numbers, numbers)
def test_a_comparison_is_the_sign_of_the_difference_and_mirrors_its_twin(a: int, b: int) -> None:
    difference = Problem((a, b), ("-",)).value
    order = "=" if difference == 0 else "<" if difference < 0 else ">"
    assert Problem((a, b), ("?",)).answer == order
    assert Problem((b, a), ("?",)).answer == Problem((-a, -b), ("?",)).answer == order.translate(MIRROR)


@given(problems() | comparisons)
def test_a_problem_reads_back_from_its_expression(problem: Problem) -> None:
    spaced = problem.expression.replace("*", " * ").replace("/", " / ")
    for text in (str(problem), f"{problem}=", f" {spaced} = ", f"What is {spaced}?"):
        assert parse_expression(text, semantics=problem.semantics) == problem


# Keys


@given(naturals, naturals, st.sampled_from("+*?"), st.booleans())
def test_commuted_twins_share_a_key(a: int, b: int, operator: str, inverse: bool) -> None:
    twins = Problem((a, b), (operator,)), Problem((b, a), (operator,))
    assert len({canonical_key(twin, inverse=inverse) for twin in twins}) == 1


@given(numbers, numbers)
def test_all_facts_of_a_sum_are_one_family(a: int, b: int) -> None:
    c = a + b
    sums = [Problem((x, y), ("+",)) for x, y in ((a, b), (b, a), (-a, c), (-b, c))]
    differences = [Problem((x, y), ("-",)) for x, y in ((c, a), (c, b), (a, c), (b, c), (a, -b))]
    assert len({canonical_key(fact, inverse=True) for fact in sums + differences}) == 1


@given(numbers.filter(bool), numbers.filter(bool))
def test_all_facts_of_a_product_are_one_family(a: int, b: int) -> None:
    c = a * b
    products = [Problem((a, b), ("*",)), Problem((b, a), ("*",))]
    divisions = [Problem((c, d), ("/",), division=rule) for d in (a, b) for rule in ("exact", "remainder")]
    assert len({canonical_key(fact, inverse=True) for fact in products + divisions}) == 1


@given(naturals, naturals, naturals, naturals)
def test_unrelated_sums_do_not_share_a_family(a: int, b: int, x: int, y: int) -> None:
    assume({a, b} != {x, y})
    sums = Problem((a, b), ("+",)), Problem((x, y), ("+",))
    assert canonical_key(sums[0], inverse=True) != canonical_key(sums[1], inverse=True)


@given(problems(small), problems(small))
def test_problems_that_share_a_key_have_the_same_answer(one: Problem, other: Problem) -> None:
    if canonical_key(one) == canonical_key(other):
        assert one.value == other.value


@given(problems(small, "+-"))
def test_the_terms_of_a_sum_may_stand_in_any_order(problem: Problem) -> None:
    terms = [(1, problem.operands[0])]
    terms += [(1 if o == "+" else -1, n) for o, n in zip(problem.operators, problem.operands[1:], strict=True)]
    for order in permutations(terms):
        if order[0][0] == 1:
            operators = tuple("+" if sign == 1 else "-" for sign, _ in order[1:])
            twin = Problem(tuple(n for _, n in order), operators)
            assert canonical_key(twin) == canonical_key(problem)


@given(problems(small.filter(bool), "*/"))
def test_the_factors_of_a_product_may_stand_in_any_order(problem: Problem) -> None:
    factors = [("*", problem.operands[0]), *zip(problem.operators, problem.operands[1:], strict=True)]
    for order in permutations(factors):
        if order[0][0] == "*":
            twin = Problem(tuple(n for _, n in order), tuple(o for o, _ in order[1:]))
            assert canonical_key(twin) == canonical_key(problem)


# Splits


@given(st.integers(0, 999), st.integers(0, 999), st.integers(0, 2**63))
def test_a_family_never_leaves_its_split(a: int, b: int, seed: int) -> None:
    splits = SplitConfig(train=0.4, val=0.3, seed=seed, inverse=True)
    sums, c = [(a, b), (b, a)], a + b
    facts = [Problem(pair, ("+",)) for pair in sums] + [Problem(pair, ("-",)) for pair in ((c, a), (c, b))]
    assert len({splits.split_of(fact) for fact in facts}) == 1


@given(st.lists(numbers, min_size=1, max_size=5), st.integers(0, 2**64 - 1))
def test_the_hash_takes_one_step_for_each_64_bits(key: list[int], seed: int) -> None:
    # The same words, each as the unsigned 64 bits that an array would hold.
    limbs = []
    for number in key:
        n_limbs = number.bit_length() // 64 + 1 if number >= 0 else (~number).bit_length() // 64 + 1
        raw = number.to_bytes(8 * n_limbs, "little", signed=True)
        limbs += [int.from_bytes(raw[i : i + 8], "little", signed=True) for i in range(0, len(raw), 8)]
    assert split_hash(limbs, seed) == split_hash(key, seed)
    assert 0 <= split_hash(key, seed) < 2**64


# Carries


@given(naturals, naturals)
def test_carries_explain_the_digits_of_a_sum(a: int, b: int) -> None:
    incoming = 0
    for column, outgoing in enumerate(carries(a, b)):
        total = a // 10**column % 10 + b // 10**column % 10 + incoming
        assert divmod(total, 10) == (outgoing, (a + b) // 10**column % 10)
        incoming = outgoing


@given(naturals, naturals)
def test_borrows_explain_the_digits_of_a_difference(a: int, b: int) -> None:
    large, small = max(a, b), min(a, b)
    incoming = 0
    assert len(borrows(a, b)) == len(str(large))
    for column, outgoing in enumerate(borrows(a, b)):
        digit = large // 10**column % 10 - small // 10**column % 10 - incoming
        assert digit + 10 * outgoing == (large - small) // 10**column % 10
        incoming = outgoing
    assert incoming == 0


@given(naturals, naturals)
def test_a_carry_that_travels_through_a_column_makes_it_carry(a: int, b: int) -> None:
    assert carry_chain(a, b) <= max(sum(carries(a, b)) - 1, 0)
    assert carry_chain(a, b) == carry_chain(b, a)
    assert borrow_chain(a, b) == borrow_chain(b, a) == carry_chain(abs(a - b), min(a, b))


@given(numbers, numbers)
def test_signs_are_worked_out_as_on_paper(a: int, b: int) -> None:
    assert longest_chain(Problem((a, b), ("+",))) == longest_chain(Problem((a, -b), ("-",)))
    assert longest_chain(Problem((a, b), ("-",))) == longest_chain(Problem((-a, -b), ("-",)))


# Domains


@given(st.integers(2, 3).flatmap(domains))
def test_a_domain_is_what_it_lists(domain: Domain) -> None:
    listed = list(domain)
    assert len(set(listed)) == len(listed) == domain.size
    assert all(domain.contains(problem) for problem in listed)
    assert Domain.from_dict(domain.to_dict()) == domain


@given(domains(2), st.data())
def test_a_domain_lists_what_it_contains(domain: Domain, data: st.DataObject) -> None:
    near = st.integers(domain.min_operand - 1, domain.max_operand + 1)
    operator = data.draw(st.sampled_from("+-*/?"))
    operands = (data.draw(near), data.draw(near.filter(bool) if operator == "/" else near))
    problem = domain.problem(operands, (operator,))
    assert domain.contains(problem) == (problem in list(domain))


@given(st.integers(2, 3).flatmap(domains))
def test_every_answer_lies_in_the_answer_range(domain: Domain) -> None:
    assume(not domain.compares)
    values = [p.value.quotient if isinstance(p.value, QuotientRemainder) else p.value for p in domain]
    assume(values)
    low, high = domain.answer_range()
    assert low <= min(values)
    assert max(values) <= high
    if domain.n_operands == 2:
        assert (low, high) == (min(values), max(values))
    assert domain.max_answer_digits >= max(len(str(abs(value))) for value in values)


# Verdicts


@given(st.integers(0, 999), st.integers(0, 999), st.integers(-5000, 5000))
def test_the_judge_says_correct_exactly_for_the_answer(a: int, b: int, said: int) -> None:
    verdict = judge(Problem((a, b), ("+",)), Said(str(said)), domain=Domain())
    if said == a + b:
        assert verdict is Verdict.CORRECT
    else:
        assert verdict is (Verdict.WRONG if 0 <= said <= 1998 else Verdict.OUT_OF_RANGE)


@given(problems() | comparisons, st.text(max_size=8))
def test_no_text_but_the_answer_is_correct(problem: Problem, text: str) -> None:
    assume(text != problem.answer)
    assert judge(problem, Said(problem.answer)) is Verdict.CORRECT
    assert judge(problem, Said(text)) is Verdict.WRONG
    assert judge(problem, Said(problem.answer, "length")) is Verdict.UNFINISHED
