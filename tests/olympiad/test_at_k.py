"""pass@k, maj@k, correlation and the score of two runs, against enumeration and simulation."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.olympiad.at_k import correlation, effective_samples, maj_at_k, pass_at_k, resampled
from longhand.olympiad.selection import Verified
from longhand.olympiad.two_runs import outlook, two_run_score
from longhand.olympiad.votes import Candidate

SAMPLES = st.lists(st.sampled_from([None, 1, 1, 2, 3, 4]), min_size=1, max_size=7)


@given(SAMPLES, st.data())
def test_both_are_the_mean_over_all_subsets(answers: list[int | None], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(answers)))
    subsets = list(itertools.combinations(answers, k))
    passed, won = Fraction(0), Fraction(0)
    for subset in subsets:
        passed += 1 in subset
        counts = {answer: subset.count(answer) for answer in subset if answer is not None}
        first = [answer for answer, count in counts.items() if count == max(counts.values())]
        won += Fraction(1, len(first)) if 1 in first else 0
    assert pass_at_k(len(answers), answers.count(1), k) == passed / len(subsets)
    assert maj_at_k(answers, 1, k) == won / len(subsets)


def test_one_sample_makes_pass_and_majority_the_share_of_right_ones() -> None:
    assert pass_at_k(200, 17, 1) == Fraction(17, 200)
    assert maj_at_k([1] * 17 + [2] * 183, 1, 1) == Fraction(17, 200)
    assert maj_at_k([1] * 60 + list(range(2, 102)), 1, 40) > Fraction(99, 100)


def test_subsets_drawn_at_random_come_near_to_all_of_them_and_are_the_same_for_a_seed() -> None:
    answers = [1, 1, 1, 2, 2, 3, None, None]
    candidates = [Candidate(answer, seed=seed, mean_logprob=-1.0) for seed, answer in enumerate(answers)]
    found = resampled(candidates, 1, 5, n_draws=2000, seed="here")
    # Ties go to the smallest seed here, which is a right one: more than with ties shared, and less than a pass.
    assert maj_at_k(answers, 1, 5) < found < pass_at_k(8, 3, 5)
    assert found == resampled(candidates, 1, 5, n_draws=2000, seed="here")
    assert found != resampled(candidates, 1, 5, n_draws=2000, seed="there")
    knows = Verified((lambda problem, candidate: candidate.answer == 1,))
    by_knowing = resampled(candidates, 1, 5, selector=knows, n_draws=2000)
    assert abs(by_knowing - pass_at_k(8, 3, 5)) < Fraction(5, 100)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.8])
def test_the_correlation_that_samples_were_drawn_with_is_found(rho: float) -> None:
    """Chances of problems from a beta distribution with mean 0.6: the correlation is 1 / (a + b + 1)."""
    draw = random.Random(f"correlation/{rho}")
    n, n_problems = 8, 4000

    def chance() -> float:
        return draw.betavariate(0.6 * (1 / rho - 1), 0.4 * (1 / rho - 1)) if rho else 0.6

    n_right = [sum(draw.random() < p for _ in range(n)) for p in (chance() for _ in range(n_problems))]
    found = correlation(n_right, n)
    assert found is not None
    assert abs(found - rho) < 0.03


def test_correlation_and_effective_samples_at_their_ends() -> None:
    assert correlation([8, 0, 8, 0, 8], 8) == 1
    assert correlation([8, 8], 8) is None
    assert correlation([0, 0], 8) is None
    assert correlation([4], 8) is None
    assert effective_samples(8, Fraction(1)) == 1
    assert effective_samples(8, Fraction(0)) == effective_samples(8, Fraction(-1, 7)) == 8
    assert effective_samples(8, Fraction(1, 7)) == 4


CHANCES = st.lists(st.fractions(0, 1, max_denominator=50), max_size=4)


@settings(max_examples=60)
@given(CHANCES)
def test_the_outlook_is_the_sum_over_everything_that_can_happen(chances: list[Fraction]) -> None:
    for same, runs in ((False, 2), (True, 1)):
        found = outlook(chances, same_in_both_runs=same)
        wanted = [Fraction(0)] * (2 * len(chances) + 1)
        for happens in itertools.product([True, False], repeat=runs * len(chances)):
            likely = Fraction(1)
            for right, p in zip(happens, chances * runs, strict=True):
                likely *= p if right else 1 - p
            wanted[sum(happens) * 2 // runs] += likely
        assert list(found.chances) == wanted
        assert sum(found.chances) == 1
        assert found.expected == sum(chances)
        # Determinism changes the variance and not the mean.
        assert found.variance == sum(p * (1 - p) for p in chances) / runs


def test_the_score_counts_half_for_one_of_two() -> None:
    assert two_run_score([True, True, False, False], [True, False, True, False]) == 2
    assert two_run_score([True] * 47 + [False] * 3, [True] * 46 + [False] * 4) == Fraction(93, 2)
    assert two_run_score([], []) == 0


def test_the_chance_of_a_prize_is_exact() -> None:
    assert outlook([1] * 47 + [0] * 3).at_least(47) == 1
    assert outlook([1] * 46 + [0] * 4).at_least(47) == 0
    assert outlook([Fraction(1, 2)], same_in_both_runs=False).at_least(Fraction(1, 2)) == Fraction(3, 4)
    fifty = outlook([0.9] * 50)
    # 0.9 is the float: 100 halves, of which 94 are needed, by the binomial formula.
    p = Fraction(0.9)
    terms = [p**k * (1 - p) ** (100 - k) * _choose(100, k) for k in range(94, 101)]
    assert fifty.at_least(47) == sum(terms)
    assert fifty.sigma == pytest.approx(1.5, abs=1e-12)


def _choose(n: int, k: int) -> int:
    return 1 if k == 0 else _choose(n - 1, k - 1) * n // k
