"""Several tasks at once, each with its share."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Problem
from longhand.arithmetic.tasks import Task, task
from longhand.errors import UserError


@dataclass(frozen=True)
class Mixture:
    """Tasks and the shares of the samples that come from each of them.

    The tasks may have domains of their own, so that sums of two and of three operands mix. Raises `UserError`
    for shares that do not sum to 1.
    """

    tasks: tuple[Task, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.tasks) != len(self.shares):
            raise UserError(f"{len(self.tasks)} tasks and {len(self.shares)} shares; give one share per task")
        for share in self.shares:
            if not 0 <= share <= 1:
                raise UserError(f"a share of {share:g}; a share lies between 0 and 1")
        if abs(sum(self.shares) - 1) > 1e-9:
            raise UserError(f"the shares sum to {sum(self.shares):g}; they must sum to 1")

    @classmethod
    def of(cls, shares: Mapping[str, float], domain: Domain) -> Mixture:
        """Mix tasks of one domain by name, for example `{"uniform": 0.8, "cascade": 0.2}`."""
        return cls(tuple(task(name, domain) for name in shares), tuple(shares.values()))

    def sample(self, rng: random.Random) -> Problem:
        """Return a problem of one of the tasks; `rng` alone decides which."""
        (chosen,) = rng.choices(self.tasks, weights=self.shares)
        return chosen.sample(rng)
