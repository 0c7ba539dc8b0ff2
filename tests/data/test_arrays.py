from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.arithmetic.canonical import canonical_key
from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Order, Problem, QuotientRemainder
from longhand.arithmetic.splits import SplitConfig, split_hash
from longhand.data.arrays import (
    belongs,
    count_problems,
    domain_arrays,
    domain_can_be_enumerated,
    from_problems,
    keys_hash,
    problems_at,
    sample_arrays,
    solve_arrays,
)
from longhand.data.keyed import keyed_generator
from longhand.data.keys import split_hashes
from longhand.errors import UserError

DOMAINS = [
    Domain(max_operand=12),
    Domain(max_operand=12, negatives="swap", operators=("-", "+")),
    Domain(min_operand=3, max_operand=9, operators=("+", "-", "*", "/")),
    Domain(min_operand=-4, max_operand=7, operators=("+", "/", "-", "*")),
    Domain(min_operand=-4, max_operand=6, operators=("/", "-", "*"), division="remainder", negatives="allow"),
    Domain(max_operand=8, operators=("/", "+"), division="remainder"),
    Domain(min_operand=-4, max_operand=7, operators=("?",)),
    Domain(max_operand=3, n_operands=3, operators=("+", "-", "*", "/")),
    Domain(max_operand=3, n_operands=3, operators=("+", "*", "/", "-"), negatives="allow"),
    Domain(max_operand=2, n_operands=4, operators=("-", "/", "*"), semantics="left_to_right"),
    Domain(min_operand=-1, max_operand=2, n_operands=4, operators=("*", "/")),
]
LARGE = [Domain(max_operand=10**12, n_operands=k) for k in (2, 3)] + [Domain(("?",), max_operand=10**12)]

domains = st.sampled_from(DOMAINS)


@pytest.mark.parametrize("domain", DOMAINS)
def test_arrays_enumerate_a_domain_in_its_own_order(domain: Domain) -> None:
    arrays = domain_arrays(domain)
    assert arrays.problems() == list(domain)
    assert count_problems(domain) == len(arrays) == domain.size


@pytest.mark.parametrize("domain", DOMAINS)
def test_array_answers_are_the_exact_answers(domain: Domain) -> None:
    arrays = domain_arrays(domain)
    for row, problem in enumerate(domain):
        value = problem.value
        if isinstance(value, QuotientRemainder):
            assert arrays.remainders is not None
            assert (arrays.answers[row], arrays.remainders[row]) == value
        elif isinstance(value, Order):
            assert "=><"[arrays.answers[row]] == value
        else:
            assert arrays.answers[row] == value
            assert arrays.remainders is None or arrays.remainders[row] == -1


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("domain", DOMAINS)
def test_array_hashes_are_the_split_hashes_of_the_problems(domain: Domain, inverse: bool) -> None:
    hashes = keys_hash(domain_arrays(domain), 11, inverse)
    assert hashes.tolist() == [split_hash(canonical_key(p, inverse=inverse), 11) for p in domain]


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("train_basic_facts", [False, True])
@pytest.mark.parametrize("domain", DOMAINS)
def test_arrays_are_split_as_their_problems_are(domain: Domain, inverse: bool, train_basic_facts: bool) -> None:
    split = SplitConfig(0.2, 0.3, 11, inverse, train_basic_facts)
    train, val = split.thresholds
    hashes = split_hashes(domain_arrays(domain), split).tolist()
    found = ["train" if hashed < train else "val" if hashed < val else "test" for hashed in hashes]
    assert found == [split.split_of(problem) for problem in domain]


@given(
    st.lists(st.tuples(st.integers(-(10**17), 10**17), st.integers(-(10**17), 10**17)), min_size=1, max_size=8),
    st.sampled_from("+-?"),
    st.integers(0, 2**70),
    st.booleans(),
)
def test_hashes_agree_for_long_numbers_and_seeds(
    pairs: list[tuple[int, int]], operator: str, seed: int, inverse: bool
) -> None:
    problems = [Problem(pair, (operator,)) for pair in pairs]
    hashes = keys_hash(from_problems(problems), seed, inverse)
    assert hashes.tolist() == [split_hash(canonical_key(p, inverse=inverse), seed) for p in problems]


@given(domains, st.data())
def test_any_slice_is_a_slice_of_the_whole(domain: Domain, data: st.DataObject) -> None:
    size = count_problems(domain)
    start = data.draw(st.integers(0, size))
    stop = data.draw(st.integers(0, size + 5))
    expected = domain_arrays(domain).problems()[start:stop]
    assert domain_arrays(domain, start, stop).problems() == expected


def test_the_three_digit_domain_has_1_500_500_problems_and_known_corners() -> None:
    domain = Domain()
    assert count_problems(domain) == 1_500_500
    corners = problems_at(domain, np.array([0, 999_999, 1_000_000, 1_000_001, 1_000_002, 1_500_499]))
    assert [str(p) for p in corners.problems()] == ["0+0", "999+999", "0-0", "1-0", "1-1", "999-999"]


@given(st.integers(0, 3_037_000_498))
def test_falling_pairs_are_unranked_exactly_at_every_row_end(a: int) -> None:
    domain = Domain(operators=("-",), max_operand=3_037_000_498)  # the largest whose places fit 62 bits
    first = a * (a + 1) // 2
    ends = problems_at(domain, np.array([first, first + a]))
    assert ends.operands.tolist() == [[a, 0], [a, a]]


@pytest.mark.parametrize("domain", [*DOMAINS, *LARGE])
def test_samples_lie_in_their_domain(domain: Domain) -> None:
    arrays = sample_arrays(domain, keyed_generator(0), 200)
    assert len(arrays) == 200
    assert all(domain.contains(problem) for problem in arrays.problems())


@pytest.mark.parametrize("negatives", ["reject", "allow"])
def test_samples_are_uniform_over_the_domain(negatives: str) -> None:
    domain = Domain(max_operand=4, operators=("+", "-", "/"), negatives=negatives)  # type: ignore[arg-type]
    n = 400 * count_problems(domain)
    counts = Counter(map(str, sample_arrays(domain, keyed_generator(1), n).problems()))
    assert set(counts) == {str(problem) for problem in domain}
    assert max(abs(count - 400) for count in counts.values()) < 5 * 400**0.5


def test_a_domain_beyond_enumeration_is_sampled_by_operator_equally() -> None:
    domain = Domain(max_operand=10**12, negatives="allow")
    assert not domain_can_be_enumerated(domain)
    arrays = sample_arrays(domain, keyed_generator(2), 4000)
    assert abs(int((arrays.operators == 0).sum()) - 2000) < 5 * 1000**0.5
    assert int(arrays.operands.max()) > 9 * 10**11


def test_rejection_keeps_no_negative_answer_where_they_are_not_allowed() -> None:
    operands = np.array([[3, 5], [5, 3]])
    assert belongs(Domain(), operands, np.array([[1], [1]], dtype=np.uint8)).tolist() == [False, True]


@given(st.data())
def test_gathered_problems_come_back(data: st.DataObject) -> None:
    k = data.draw(st.integers(2, 4))
    semantics = data.draw(st.sampled_from(["precedence", "left_to_right"]))
    problem = st.builds(
        lambda operands, operators: Problem(tuple(operands), tuple(operators), semantics),
        st.lists(st.integers(-999, 999), min_size=k, max_size=k),
        st.lists(st.sampled_from("+-*"), min_size=k - 1, max_size=k - 1),
    )
    problems = data.draw(st.lists(problem, min_size=1, max_size=10))
    arrays = from_problems(problems)
    assert arrays.problems() == problems
    assert arrays.answers.tolist() == [p.value for p in problems]


@pytest.mark.parametrize(
    ("problems", "message"),
    [
        ([], "no problems"),
        ([Problem((1, 2), ("+",)), Problem((1, 2, 3), ("+", "+"))], r"1\+2\+3 and 1\+2 differ"),
        ([Problem((1, 2), ("+",)), Problem((1, 2), ("+",), "left_to_right")], "different rules"),
        ([Problem((1, 3), ("/",))], "1/3: the answer is not a whole number"),
        ([Problem((10**10, 10**10), ("*",))], "beyond 62 bits"),
        ([Problem((10**30, 1), ("+",))], "more than 62 bits"),
    ],
)
def test_what_does_not_fit_arrays_is_said(problems: list[Problem], message: str) -> None:
    with pytest.raises(UserError, match=message):
        from_problems(problems)


def test_a_division_by_zero_is_named() -> None:
    with pytest.raises(UserError, match="4/0: division by zero"):
        solve_arrays(np.array([[4, 2], [4, 0]]), np.array([[3], [3]], dtype=np.uint8))


def test_a_domain_too_large_to_enumerate_or_to_list_says_so() -> None:
    with pytest.raises(UserError, match="cannot be enumerated"):
        domain_arrays(Domain(max_operand=10**12), 0, 10)
    with pytest.raises(UserError, match="too many to list"):
        domain_arrays(Domain(max_operand=999, n_operands=3), 0, 10)


def test_a_domain_without_problems_says_so() -> None:
    with pytest.raises(UserError, match="no problem lies in"):
        sample_arrays(Domain(operators=("+",), min_operand=-5, max_operand=-1), keyed_generator(0), 1)


def test_generators_of_neighbouring_keys_share_nothing_and_repeat_themselves() -> None:
    draws = {
        key: keyed_generator(*key).integers(2**63, size=100).tolist() for key in [(0, "a", 1), (0, "a", 2), (1, "a", 1)]
    }
    assert len({number for drawn in draws.values() for number in drawn}) == 300
    assert keyed_generator(0, "a", 1).integers(2**63, size=100).tolist() == draws[0, "a", 1]
