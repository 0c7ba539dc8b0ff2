"""How the rows of a batch are shared between sampling rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.splits import SplitConfig
from longhand.data.config import MODIFIERS, Modifier
from longhand.errors import UserError


def share_rows(mixture: Mapping[Modifier, float], batch_size: int, rng: np.random.Generator) -> dict[Modifier, int]:
    """Rows per rule: each share of the batch, rounded up or down so that it is right on average."""
    rules = [rule for rule in MODIFIERS if mixture.get(rule, 0) > 0]
    bounds = np.cumsum([mixture[rule] for rule in rules]) * batch_size
    bounds[-1] = batch_size
    edges = np.floor(bounds + rng.random()).clip(0, batch_size)
    edges[-1] = batch_size
    counts = np.diff(edges, prepend=0)
    return {rule: int(count) for rule, count in zip(rules, counts, strict=True)}


def refuse_empty_pools(mixture: Mapping[Modifier, float], pools: Mapping[Modifier, int]) -> None:
    """Raise `UserError` if a rule that has a share has no problems to draw from."""
    if mixture.get("cascade", 0) > 0 and not pools["cascade"]:
        raise UserError("data.mixture.cascade finds no travelling carry among the training problems; leave it out")
    if mixture.get("long_division", 0) > 0 and not pools["long_division"]:
        raise UserError("data.mixture.long_division finds no division among the training problems; leave it out")


def describe_mixture(mixture: Mapping[Modifier, float]) -> dict[str, Any]:
    """The part of a record that says what is seen more often."""
    rules = [rule for rule in MODIFIERS if mixture.get(rule, 0) > 0]
    return {
        "mixture": {rule: mixture[rule] for rule in rules},
        "sampling": {rule: MODIFIERS[rule] for rule in rules},
        "over_represented": [rule for rule in rules if rule != "uniform"],
    }


def describe_domain_source(
    domain: Domain,
    split: SplitConfig,
    mixture: Mapping[Modifier, float],
    counts: Mapping[str, int | None],
) -> dict[str, Any]:
    """The record of a run that draws from a domain: which part of it, how chosen, and what is seen more often.

    `counts` has the problems in the `domain` and in its `train`, `val` and `test` parts, None where unknown.
    """
    total, train = counts["domain"], counts["train"]
    if domain.compares:
        family = "a?b and b?a"
    else:
        family = "a+b=c, b+a=c, c-a=b and c-b=a (and the same for * and /)" if split.inverse else "a+b=c and b+a=c"
    return {
        "source": "stream",
        "domain": domain.to_dict(),
        "problems_in_domain": total,
        "problems_trained_on": train,
        "share_trained_on": split.train if total is None or train is None else train / total,
        "held_out": {"val": counts["val"], "test": counts["test"]},
        "chosen_by": {
            "method": f"hash of a key shared by {family}, which are never split"
            + ("; facts of two digits are all trained on" if split.train_basic_facts else ""),
            "inverse": split.inverse,
            "train_basic_facts": split.train_basic_facts,
            "split_seed": split.seed,
            "train_fraction": split.train,
            "val_fraction": split.val,
        },
        **describe_mixture(mixture),
    }
