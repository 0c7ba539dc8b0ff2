"""Shares of a mixture are kept, and must be shares."""

from __future__ import annotations

import random

import pytest

from longhand.arithmetic.carries import longest_chain
from longhand.arithmetic.domain import Domain
from longhand.arithmetic.mixture import Mixture
from longhand.arithmetic.tasks import Cascade, Uniform
from longhand.errors import UserError

PAIRS, TRIPLES = Uniform(Domain()), Uniform(Domain(n_operands=3))


def test_each_task_gets_its_share() -> None:
    mixture = Mixture((PAIRS, TRIPLES), (0.25, 0.75))
    rng = random.Random(0)
    drawn = [len(mixture.sample(rng).operands) for _ in range(2000)]
    assert abs(drawn.count(3) / 2000 - 0.75) < 0.04


def test_a_share_of_nothing_is_never_drawn() -> None:
    rng = random.Random(0)
    assert all(len(Mixture((PAIRS, TRIPLES), (0.0, 1.0)).sample(rng).operands) == 3 for _ in range(100))


def test_tasks_may_be_named() -> None:
    mixture = Mixture.of({"cascade": 1.0, "short": 0.0}, Domain())
    assert mixture.tasks[0] == Cascade(Domain())
    assert longest_chain(mixture.sample(random.Random(0))) >= 1


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ((0.5, 0.4), "the shares sum to 0.9; they must sum to 1"),
        ((1.5, -0.5), "a share of 1.5; a share lies between 0 and 1"),
        ((1.0,), "2 tasks and 1 shares; give one share per task"),
    ],
)
def test_impossible_shares_are_refused(shares: tuple[float, ...], message: str) -> None:
    with pytest.raises(UserError) as refusal:
        Mixture((PAIRS, TRIPLES), shares)
    assert str(refusal.value) == message
