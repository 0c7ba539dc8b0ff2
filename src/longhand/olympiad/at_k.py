"""How good k samples are: whether one is right (pass@k), whether their majority is (maj@k), how alike they are."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable, Sequence
from fractions import Fraction
from math import comb

from longhand.olympiad.selection import Majority, Selector
from longhand.olympiad.votes import Candidate


def pass_at_k(n: int, n_right: int, k: int) -> Fraction:
    """The chance that of k of the n samples, of which c = `n_right` are right, one is: 1 - C(n-c, k) / C(n, k).

    An unbiased estimate of pass@k for any k up to n; Chen et al., "Evaluating Large Language Models Trained on Code"
    (2021), which guards against rounding; here nothing is rounded.
    """
    assert 0 <= n_right <= n
    assert 1 <= k <= n
    return 1 - Fraction(comb(n - n_right, k), comb(n, k))


def maj_at_k(answers: Sequence[Hashable | None], truth: Hashable, k: int) -> Fraction:
    """The chance that the majority of k of these samples, drawn without putting back, is right.

    The exact expectation over all subsets; ties are shared evenly. Samples without an answer (None) are drawn and do
    not vote. For other ways to choose, or to break ties, see `resampled`.
    """
    assert 1 <= k <= len(answers)
    counts = Counter(answers)
    n_right, n_silent = counts.pop(truth, 0), counts.pop(None, 0)
    wins = Fraction(0)
    for top in range(1, min(n_right, k) + 1):
        # ways[drawn][tied]: how the wrong answers are drawn, none more often than `top`, `tied` of them as often
        ways = {(0, 0): 1}
        for n_wrong in counts.values():
            ways = _with_another(ways, n_wrong, top, k - top)
        for (drawn, tied), number in ways.items():
            rest = comb(n_silent, k - top - drawn)
            wins += Fraction(comb(n_right, top) * number * rest, tied + 1)
    return wins / comb(len(answers), k)


def _with_another(ways: dict[tuple[int, int], int], n: int, top: int, most: int) -> dict[tuple[int, int], int]:
    new: Counter[tuple[int, int]] = Counter()
    for (drawn, tied), number in ways.items():
        for more in range(min(n, top, most - drawn) + 1):
            new[drawn + more, tied + (more == top)] += number * comb(n, more)
    return dict(new)


def resampled(
    candidates: Sequence[Candidate],
    truth: Hashable,
    k: int,
    *,
    selector: Selector | None = None,
    problem: str = "",
    n_draws: int = 1000,
    seed: int | str = 0,
) -> Fraction:
    """The share of `n_draws` random subsets of k candidates of which a selector (the majority) chooses a right one."""
    assert 1 <= k <= len(candidates)
    draw = random.Random(f"{seed}/resampled")
    chooser = selector or Majority()
    chosen = (chooser.select(problem, draw.sample(candidates, k)) for _ in range(n_draws))
    return Fraction(sum(one is not None and one.answer == truth for one in chosen), n_draws)


def correlation(n_right: Sequence[int], n: int) -> Fraction | None:
    """How alike two samples for the same problem are, right or wrong, from the right ones of n for each problem.

    The correlation of exchangeable attempts (a beta-binomial's) by the method of moments: with q the chance that two
    samples of a problem are both right, and r that of samples of two problems, (q - r) / (p - r). Each of them is
    estimated without bias. 0: all problems are alike and the samples independent; 1: each problem is right always or
    never. None where it is not defined: fewer than two problems or samples, or all samples right or all wrong.
    """
    n_problems, total = len(n_right), sum(n_right)
    if n_problems < 2 or n < 2:
        return None
    p = Fraction(total, n_problems * n)
    same = Fraction(sum(c * (c - 1) for c in n_right), n_problems * n * (n - 1))
    different = Fraction(total * total - sum(c * c for c in n_right), n_problems * (n_problems - 1) * n * n)
    return (same - different) / (p - different) if p != different else None


def effective_samples(n: int, rho: Fraction | float) -> float:
    """How many independent samples say as much about a share as n of this correlation: N / (1 + (N - 1) ρ).

    An estimate below 0, which chance gives when there is no correlation, counts as 0, so that this is at most n.
    """
    assert n >= 1
    return float(n / (1 + (n - 1) * min(max(rho, 0), 1)))
