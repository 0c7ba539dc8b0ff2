"""One answer out of many samples: who votes, how much a vote weighs, how ties end, and when to stop asking.

Self-consistency, Wang et al., "Self-Consistency Improves Chain of Thought Reasoning in Language Models" (ICLR 2023).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isnan

Weight = Callable[["Candidate"], float]

_LEAST_ENTROPY = 1e-3


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sample: its answer (None if it has no valid one), its seed, and how sure the model was.

    `mean_logprob` is the mean log-probability of its tokens (nats, at most 0), `entropy` the mean entropy of the
    distributions they were drawn from (nats). A `mean_logprob` that is not a number counts as the least sure.
    """

    answer: Hashable | None
    seed: int
    mean_logprob: float = float("-inf")
    entropy: float | None = None
    text: str = ""

    @property
    def sureness(self) -> tuple[float, int]:
        """What ties are broken by: the log-probability, then the smaller seed. The larger wins."""
        return (float("-inf") if isnan(self.mean_logprob) else self.mean_logprob), -self.seed


@dataclass(frozen=True, slots=True)
class Vote:
    """The candidate that won, the weight behind each answer, and how many had a valid answer or none."""

    winner: Candidate | None
    weights: Mapping[Hashable, float]
    n_valid: int
    n_invalid: int

    @property
    def answer(self) -> Hashable | None:
        """The answer that won; None if nobody had one."""
        return self.winner.answer if self.winner is not None else None


def one_each(candidate: Candidate) -> float:
    """A plain majority."""
    return 1.0


def by_entropy(candidate: Candidate) -> float:
    """One over the mean entropy, never more than a thousand; a candidate without an entropy weighs nothing."""
    return 0.0 if candidate.entropy is None else 1 / max(candidate.entropy, _LEAST_ENTROPY)


def by_logprob(candidate: Candidate) -> float:
    """The geometric mean of the probabilities of its tokens, from 0 to 1."""
    return exp(candidate.sureness[0])


def vote(candidates: Sequence[Candidate], weight: Weight = one_each) -> Vote:
    """Add up the weights of equal answers; the heaviest wins.

    Candidates without an answer do not vote and are counted. Of answers of the same weight that of the surest
    candidate wins: by mean log-probability, then by the smallest seed. The order of `candidates` decides nothing.
    """
    valid = [candidate for candidate in candidates if candidate.answer is not None]
    weights: dict[Hashable, float] = defaultdict(float)
    surest: dict[Hashable, Candidate] = {}
    # In an order of their own, so that sums of floats do not depend on the order they came in.
    for candidate in sorted(valid, key=lambda one: one.sureness, reverse=True):
        weights[candidate.answer] += weight(candidate)
        surest.setdefault(candidate.answer, candidate)
    winner = max(surest.values(), key=lambda one: (weights[one.answer], one.sureness), default=None)
    return Vote(winner, dict(weights), len(valid), len(candidates) - len(valid))


def is_decided(answers: Sequence[Hashable | None], n_to_come: int, early_stop: int | None = None) -> bool:
    """Whether more samples are not worth waiting for, in a plain majority.

    That is so when nothing comes, when the leader cannot be caught, not even by a tie, by `n_to_come` more votes for
    another, or when `early_stop` samples agree (a heuristic: what comes could still change the vote). None is the
    answer of a sample without a valid one.
    """
    votes = Counter(answer for answer in answers if answer is not None).most_common(2)
    first = votes[0][1] if votes else 0
    second = votes[1][1] if len(votes) > 1 else 0
    agreed = early_stop is not None and first >= early_stop
    return n_to_come == 0 or agreed or first > second + n_to_come
