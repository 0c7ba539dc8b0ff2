"""A clock that runs evenly although the clocks of a machine jump, stop and run backwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

Clock = Callable[[], float]
"""Seconds since some moment."""


def system_clocks() -> list[Clock]:
    """The clocks of this machine: monotonic, of the wall, and since the machine started, where there is one.

    The first stands still while a machine sleeps, the second is set by whoever keeps the time.
    """
    clocks: list[Clock] = [time.monotonic, time.time]
    since_boot = getattr(time, "CLOCK_BOOTTIME", None)
    if since_boot is not None:
        clocks.append(lambda: time.clock_gettime(since_boot))
    return clocks


class SteadyClock:
    """Seconds since it was made, by what most of its clocks say has passed since the last reading.

    The law: it never runs backwards, and while of three clocks no more than one jumps between two readings, forwards or
    backwards, it is right. Of two it believes the one that says more, so that it is never too early.
    """

    def __init__(self, clocks: Sequence[Clock] | None = None) -> None:
        self._clocks = list(clocks) if clocks is not None else system_clocks()
        self._readings = [clock() for clock in self._clocks]
        self._elapsed = 0.0

    def __call__(self) -> float:
        """Seconds since it was made."""
        readings = [clock() for clock in self._clocks]
        passed = sorted(now - before for now, before in zip(readings, self._readings, strict=True))
        self._readings = readings
        self._elapsed += max(0.0, passed[len(passed) // 2])
        return self._elapsed
