"""Whole contests in no time: problems of any hardness, machines that stall, clocks that jump."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from longhand.olympiad.contest.budget import Budget
from longhand.olympiad.contest.clock import Clock, SteadyClock
from longhand.olympiad.contest.contract import PROBLEMS, RUN_SECONDS

Rule = Callable[[float, int], float]
"""Seconds for the next problem, from the seconds left and how many problems come after it."""


@dataclass(frozen=True)
class Faults:
    """What goes wrong in a contest (seconds; chances per problem).

    A problem whose time is over is stopped up to `late` after it. The machine stalls with chance `stall`, for up to
    `stall_seconds`; once in a contest for up to `long_stall`. Between two problems one of three clocks jumps with
    chance `jump`, by up to `jump_seconds` in either direction. Loading takes up to `start_up`.
    """

    late: float = 2.0
    stall: float = 0.05
    stall_seconds: float = 60.0
    long_stall: float = 400.0
    jump: float = 0.2
    jump_seconds: float = 24 * 3600.0
    start_up: float = 600.0


USUAL = Faults()


@dataclass(frozen=True)
class Contest:
    """What came of one: seconds by a true clock, problems answered before the end, and problems that were solved."""

    seconds: float
    answered: int
    solved: int

    @property
    def overran(self) -> bool:
        """Whether the host would have ended it, and nothing of it would count."""
        return self.seconds > RUN_SECONDS


class _World:
    """The true time, and three clocks that show it until they jump."""

    def __init__(self, random_: random.Random) -> None:
        self.now = 0.0
        self._offsets = [random_.uniform(0, 1e9) for _ in range(3)]

    def clocks(self) -> list[Clock]:
        return [lambda i=i: self.now + self._offsets[i] for i in range(3)]  # type: ignore[misc]

    def jump(self, clock: int, seconds: float) -> None:
        self._offsets[clock] += seconds


def simulate(seed: int, faults: Faults = USUAL, *, draw: float = 1.0, rule: Rule | None = None) -> Contest:
    """One contest of 50 problems with everything drawn from `seed`; by our budget, or by a `rule` to compare with.

    How long problems take to be solved has a heavy tail (log-normal around a median of its own for each contest, from
    seconds to an hour), so that in many contests nearly every problem uses all it is given.
    """
    random_ = random.Random(f"contest/{seed}")
    world = _World(random_)
    clock = SteadyClock(world.clocks())
    budget = Budget(draw=draw, start_up=faults.start_up, clock=clock)
    median, spread = 10 ** random_.uniform(0.5, 3.5), random_.uniform(0.2, 2.0)
    long_stall_at = random_.randrange(PROBLEMS)
    world.now += random_.uniform(0, faults.start_up)
    budget.started()
    answered = solved = 0
    for number in range(PROBLEMS):
        if random_.random() < faults.jump:
            world.jump(random_.randrange(3), random_.uniform(-faults.jump_seconds, faults.jump_seconds))
        promised = budget.promise() if rule is None else rule(budget.limit - budget.elapsed, PROBLEMS - 1 - number)
        needed = random_.lognormvariate(0, spread) * median
        taken = needed if needed <= promised else promised + random_.uniform(0, faults.late)
        if random_.random() < faults.stall:
            taken += random_.uniform(0, faults.stall_seconds)
        if number == long_stall_at:
            taken += random_.uniform(0, faults.long_stall)
        world.now += taken
        answered += world.now <= RUN_SECONDS
        solved += needed <= promised and world.now <= RUN_SECONDS
    return Contest(world.now, answered, solved)
