"""Votes, early stops, selection."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.olympiad.selection import Majority, Selector, Verified, asked_modulus, constraint_check
from longhand.olympiad.votes import Candidate, by_entropy, by_logprob, is_decided, one_each, vote

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        answer=st.one_of(st.none(), st.integers(0, 4)),
        seed=st.integers(0, 10**6),
        mean_logprob=st.one_of(st.floats(-5, 0), st.just(float("nan")), st.sampled_from([-1.0, -0.5])),
        entropy=st.one_of(st.none(), st.floats(0, 3)),
    ),
    max_size=12,
    unique_by=lambda candidate: candidate.seed,
)


@given(CANDIDATES, st.sampled_from([one_each, by_entropy, by_logprob]), st.randoms(use_true_random=False))
def test_a_vote_does_not_depend_on_the_order_and_everyone_is_counted(
    candidates: list[Candidate], weight: object, order: random.Random
) -> None:
    assert callable(weight)
    found = vote(candidates, weight)
    shuffled = order.sample(candidates, len(candidates))
    assert vote(shuffled, weight) == found
    assert found.n_valid + found.n_invalid == len(candidates)
    assert (found.winner is None) == (found.n_valid == 0)
    assert None not in found.weights
    if found.winner is not None:
        assert found.weights[found.answer] == max(found.weights.values())
        ours = [one for one in candidates if one.answer == found.answer]
        assert found.winner.sureness == max(one.sureness for one in ours)


def test_ties_go_to_the_surest_and_then_to_the_smallest_seed() -> None:
    unsure, sure = Candidate(1, seed=1, mean_logprob=-2.0), Candidate(2, seed=2, mean_logprob=-1.0)
    assert vote([unsure, sure]).answer == 2
    assert vote([Candidate(1, seed=5, mean_logprob=-1.0), Candidate(2, seed=4, mean_logprob=-1.0)]).answer == 2
    assert vote([Candidate(1, seed=1, mean_logprob=math.nan), Candidate(2, seed=2, mean_logprob=-9.0)]).answer == 2
    assert vote([unsure, sure, Candidate(1, seed=3, mean_logprob=-9.0)]).winner == unsure


def test_weights_can_turn_a_vote_and_candidates_without_an_answer_cannot() -> None:
    many = [Candidate(1, seed=seed, mean_logprob=-3.0, entropy=2.0) for seed in range(3)]
    sure = Candidate(2, seed=9, mean_logprob=-0.1, entropy=0.2)
    silent = [Candidate(None, seed=seed, mean_logprob=0.0, entropy=0.0) for seed in range(20, 40)]
    assert vote([*many, sure, *silent]).answer == 1
    for weight in (by_entropy, by_logprob):
        found = vote([*many, sure, *silent], weight)
        assert (found.answer, found.n_valid, found.n_invalid) == (2, 4, 20)
    assert vote([Candidate(1, seed=0, entropy=0.0), *[Candidate(2, seed=1 + i, entropy=0.001) for i in range(2)]],
                by_entropy).answer == 2  # fmt: skip
    assert vote(silent).answer is None
    assert vote([]).winner is None


@given(st.lists(st.one_of(st.none(), st.integers(0, 2)), max_size=6), st.integers(0, 4))
def test_a_vote_is_decided_exactly_when_nothing_that_may_come_can_change_it(
    answers: list[int | None], n_to_come: int
) -> None:
    """Against every continuation; a tie may be broken either way, so that it counts as a change."""

    def leaders(votes: tuple[int | None, ...]) -> set[int]:
        counts = {answer: votes.count(answer) for answer in votes if answer is not None}
        return {answer for answer, count in counts.items() if count == max(counts.values())}

    outcomes = {
        frozenset(leaders((*answers, *rest))) for rest in itertools.product([None, 0, 1, 2, 3], repeat=n_to_come)
    }
    stays = len(outcomes) == 1 and len(next(iter(outcomes))) == 1
    assert is_decided(answers, n_to_come) == (n_to_come == 0 or stays)


def test_a_vote_stops_when_enough_agree() -> None:
    assert not is_decided([7, 7, 7, 5], 4, early_stop=4)
    assert is_decided([7, 7, 7, 5, 7], 3, early_stop=4)
    assert not is_decided([None] * 4, 4, early_stop=4)


@pytest.mark.parametrize(
    ("problem", "modulus"),
    [
        ("Find the remainder when $N$ is divided by $1000$.", 1000),
        ("What is the remainder when $2^{2025}$ is divided by $5^7$?", 5**7),
        (r"Compute the remainder when \(n!\) is divided by \(10^5\).", 10**5),
        ("Let N be large. Determine the remainder when N is divided by 99991.", 99991),
        ("Find the remainder when the quotient of $100$ divided by $4$ is divided by $7$.", 7),
        ("Give your answer modulo $10^4$.", 10**4),
        ("N leaves a remainder of 3 when divided by 7. Find N.", None),
        ("Find the smallest n such that the remainder when n is divided by 7 is 3.", None),
        ("Find all x with x = 3 mod 7.", None),
        ("Find the remainder when $N$ is divided by $m$.", None),
        ("What is 2+2?", None),
    ],
)
def test_a_modulus_bounds_the_answer_only_where_the_remainder_is_asked_for(problem: str, modulus: int | None) -> None:
    assert asked_modulus(problem) == modulus


def test_candidates_that_cannot_be_right_are_out_unless_all_are() -> None:
    problem = "Find the remainder when $N$ is divided by $1000$."
    high = [Candidate(1234, seed=seed) for seed in range(3)]
    low = Candidate(234, seed=7)
    for selector, chosen in ((Majority(), 1234), (Verified((constraint_check,)), 234)):
        as_any: Selector = selector
        found = as_any.select(problem, [*high, low, Candidate(None, seed=99)])
        assert found is not None
        assert found.answer == chosen
    every = Verified((constraint_check,)).select(problem, high)
    assert every == high[0]
    assert Verified((constraint_check,)).select(problem, []) is None
    refused = [-1, 100000, Fraction(1, 2), "x", 1000]
    assert not any(constraint_check(problem, Candidate(answer, seed=0)) for answer in refused)
    assert all(constraint_check("What is N?", Candidate(answer, seed=0)) for answer in [0, 99999, Fraction(4, 2)])
