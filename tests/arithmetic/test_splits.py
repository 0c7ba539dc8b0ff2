"""The hash is pinned, shares are kept, and no two splits share a family."""

from __future__ import annotations

from collections import Counter

import pytest

from longhand.arithmetic.canonical import is_basic_fact
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Problem
from longhand.arithmetic.splits import GAMMA, MASK64, Split, SplitConfig, keyed_random, mix64, split_hash
from longhand.errors import UserError


def test_the_finaliser_is_that_of_splitmix64() -> None:
    # The published generator with seed 0: its state grows by GAMMA, and each output is the state, finalised.
    outputs = [mix64(n * GAMMA & MASK64) for n in (1, 2, 3)]
    assert outputs == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_the_hash_never_changes() -> None:
    # Another value here would move problems between the splits of every model trained before.
    assert split_hash((), 0) == 0xE220A8397B1DCDAF
    assert split_hash((1, 11, 951), 0) == 0xD4B08486AE1D214D
    assert split_hash((1, 11, 951), 1) == 0x887C79770CA1A74B
    assert split_hash((1, -1, 2**200), 7) == 0xB354FC10E2E586E7


def test_splits_never_change() -> None:
    splits = SplitConfig(train=0.5, val=0.25, seed=0)
    drawn = [splits.split_of(Problem((a, 7), ("+",))) for a in range(12)]
    assert " ".join(drawn) == "val val train val val train val test train val test train"


@pytest.mark.parametrize(
    ("expression", "is_basic"),
    [("8+9=", True), ("17-8=", True), ("7*8=", True), ("56/7=", True), ("18-9=", True), ("10+1=", False),
     ("12-1=", False), ("19-9=", False), ("10*1=", False), ("60/6=", False), ("1+2+3=", False)],
)  # fmt: skip
def test_facts_of_two_digits_can_all_be_training_problems(expression: str, is_basic: bool) -> None:
    problem = parse_expression(expression)
    assert is_basic_fact(problem, inverse=True) == is_basic
    rare = SplitConfig(train=1e-6, val=0.0, seed=0, train_basic_facts=True)
    assert (rare.split_of(problem) == "train") == is_basic
    assert SplitConfig(train=1e-6, val=0.0, seed=0).split_of(problem) == "test"


@pytest.mark.parametrize(("train", "val"), [(0.8, 0.1), (0.19, 0.01), (0.5, 0.5)])
def test_shares_are_what_was_asked(train: float, val: float) -> None:
    splits = SplitConfig(train, val, seed=5)
    families = [Problem((a, b), ("+",)) for a in range(200) for b in range(a, 200)]
    drawn = Counter(splits.split_of(problem) for problem in families)
    shares: dict[Split, float] = {"train": train, "val": val, "test": 1 - train - val}
    for split, share in shares.items():
        deviation = (share * (1 - share) / len(families)) ** 0.5
        assert abs(drawn[split] / len(families) - share) <= 4 * deviation


@pytest.mark.parametrize(("train", "val", "split"), [(1.0, 0.0, "train"), (0.0, 1.0, "val"), (0.0, 0.0, "test")])
def test_a_share_of_one_is_everything(train: float, val: float, split: str) -> None:
    splits = SplitConfig(train, val)
    assert {splits.split_of(Problem((a, b), ("-",))) for a in range(30) for b in range(30)} == {split}


def test_without_inverse_only_twins_stay_together() -> None:
    pairs = [(a, b) for a in range(30) for b in range(30)]
    for inverse in (False, True):
        splits = SplitConfig(0.5, 0.5, inverse=inverse)
        twins = [splits.split_of(Problem((a, b), ("+",))) == splits.split_of(Problem((b, a), ("+",))) for a, b in pairs]
        facts = [
            splits.split_of(Problem((a, b), ("+",))) == splits.split_of(Problem((a + b, a), ("-",))) for a, b in pairs
        ]
        assert all(twins)
        assert all(facts) == inverse


def test_another_seed_is_another_split() -> None:
    problems = [Problem((a, b), ("+",)) for a in range(50) for b in range(a, 50)]
    one, other = ([SplitConfig(0.5, 0.5, seed).split_of(p) for p in problems] for seed in (0, 1))
    same = sum(x == y for x, y in zip(one, other, strict=True))
    assert abs(same / len(problems) - 0.5) < 0.06


@pytest.mark.parametrize("shares", [(0.7, 0.3), (1 / 3, 2 / 3), (sum([0.1] * 9), 0.1)])
def test_shares_that_sum_to_one_leave_no_test_problems(shares: tuple[float, float]) -> None:
    splits = SplitConfig(*shares)
    assert (splits.test, splits.thresholds[1]) == (0.0, 2**64)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ((1.1, 0.0), "train is 1.1; a share lies between 0 and 1"),
        ((0.5, -0.1), "val is -0.1; a share lies between 0 and 1"),
        ((0.9, 0.2), "train 0.9 and val 0.2 pass 1 together; lower one of them"),
    ],
)
def test_impossible_shares_are_refused(shares: tuple[float, float], message: str) -> None:
    with pytest.raises(UserError) as refusal:
        SplitConfig(*shares)
    assert str(refusal.value) == message


def test_neighbouring_seeds_share_no_samples() -> None:
    drawn = [{keyed_random(seed, "train", index).random() for index in range(500)} for seed in (42, 43)]
    assert not drawn[0] & drawn[1]
    assert keyed_random(42, "train", 3).random() == keyed_random(42, "train", 3).random()
    assert keyed_random(42, "train", 3).random() != keyed_random(42, "val", 3).random()
