"""How long each problem of a contest may take, so that the last is answered in time whatever happens before."""

from __future__ import annotations

from longhand.errors import UserError
from longhand.olympiad.contest.clock import Clock, SteadyClock
from longhand.olympiad.contest.contract import PROBLEMS, RUN_SECONDS

MARGIN = 600.0
"""Seconds of a run kept back: for what happens after the last promise, and what nobody planned."""


class Budget:
    """Seconds for the next problem, out of `limit` seconds for all.

    Every problem has `reserve` seconds that no other can take, or an even share of what is left if that is less. What
    is left beside the reserves is the bank: it grows with every problem that is quicker than its reserve, and a problem
    may draw the part `draw` of it, up to `most` seconds in all. `start_up` seconds are taken off until `started`.

    The law: a promise, and the reserves of the problems after it, are together never more than what is left. So if
    every problem keeps to its promise the run ends within `limit`; one that does not takes from the bank first, then
    evenly from those after it, and with nothing left all others get 0 seconds: they have to be answered at once.
    Promises do not grow with the time that has passed.

    The rule of the public notebooks, clip(left - 300 * others, 300, 900), is this one with `draw` 1 but for its lower
    bound, which promises what is not there.
    """

    def __init__(
        self,
        *,
        limit: float = RUN_SECONDS - MARGIN,
        problems: int = PROBLEMS,
        reserve: float = 300.0,
        most: float = 900.0,
        draw: float = 1.0,
        start_up: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        for name, value, least in (
            ("limit", limit, 0),
            ("reserve", reserve, 0),
            ("most", most, 0),
            ("start_up", start_up, 0),
        ):
            if not least <= value < float("inf"):
                raise UserError(f"{name} = {value!r} is no number of seconds from 0 up")
        if problems < 1:
            raise UserError(f"problems = {problems!r}: a contest has at least one")
        if not 0 <= draw <= 1:
            raise UserError(f"draw = {draw!r} is no part of a whole (0 to 1)")
        self.limit, self.reserve, self.most, self.draw = float(limit), float(reserve), float(most), float(draw)
        self._clock = SteadyClock() if clock is None else clock
        self._began, self._furthest = self._clock(), 0.0
        self._remaining, self._start_up = problems, float(start_up)

    @property
    def elapsed(self) -> float:
        """Seconds since the budget was made; never less than it said before."""
        self._furthest = max(self._furthest, self._clock() - self._began)
        return self._furthest

    @property
    def left(self) -> float:
        """Seconds that may still be promised; 0 when none are."""
        return max(0.0, self.limit - self._start_up - self.elapsed)

    @property
    def start_up(self) -> float:
        """Seconds that are kept back for the start; 0 once it is over."""
        return self._start_up

    @property
    def remaining(self) -> int:
        """Problems that have not been promised anything yet; 0 also when more are asked than were expected."""
        return self._remaining

    @property
    def bank(self) -> float:
        """Seconds beside the reserves of the problems that remain."""
        return self.left - self._floor(self.left) * max(1, self._remaining)

    def started(self) -> None:
        """What has to be done once is done; from here on only the time that it really took counts."""
        self._start_up = 0.0

    def promise(self) -> float:
        """Seconds for the problem that is asked now; the next call is for the one after it."""
        left = self.left
        others = max(0, self._remaining - 1)
        floor = self._floor(left)
        bank = left - floor * (others + 1)
        self._remaining = others
        return max(0.0, min(self.most, floor + self.draw * bank, left - floor * others))

    def _floor(self, left: float) -> float:
        """What each problem that remains is sure of: its reserve, or an even share."""
        return min(self.reserve, left / max(1, self._remaining))
