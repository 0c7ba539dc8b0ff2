"""The phases of a learning rate, read off the rates that were logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from longhand.plots.style import GREY

_COLOURS = {"warm-up": "#F0E442", "flat": "#56B4E9"}
_FALL = "#D55E00"
_NARROWEST_WITH_NAME = 0.07  # of the axis


class Phase(NamedTuple):
    """What the learning rate does between two places on the axis of time."""

    name: str
    start: float
    stop: float


def phases(places: Sequence[float], rates: Sequence[float], fall: str = "decay") -> list[Phase]:
    """Split a run into the rise to the highest rate, the time at it, and what follows, under the name of `fall`.

    Phases that a run does not have are left out; of a rate that never changes there is nothing to say.
    """
    if len(set(rates)) < 2:
        return []
    peak = max(rates) * (1 - 1e-6)
    at_peak = [place for place, rate in zip(places, rates, strict=True) if rate >= peak]
    bounds = (min(places[0], 0.0), at_peak[0], at_peak[-1], places[-1])
    rises = rates[0] < peak
    found = [
        Phase("warm-up", bounds[0], bounds[1]),
        Phase("flat", bounds[1] if rises else bounds[0], bounds[2]),
        Phase(fall, bounds[2], bounds[3]),
    ]
    return [phase for phase in found if phase.stop > phase.start and (phase.name != "warm-up" or rises)]


def shade(axes: Axes, found: Sequence[Phase], *, names: bool = True) -> None:
    """Tint the background of each phase and write its name at the top, where there is room for it."""
    whole = found[-1].stop - found[0].start if found else 1.0
    for phase in found:
        axes.axvspan(phase.start, phase.stop, color=_COLOURS.get(phase.name, _FALL), alpha=0.11, linewidth=0, zorder=0)
        if names and phase.stop - phase.start > _NARROWEST_WITH_NAME * whole:
            axes.annotate(
                phase.name, ((phase.start + phase.stop) / 2, 1), xycoords=("data", "axes fraction"),
                xytext=(0, -4), textcoords="offset points", ha="center", va="top", fontsize=8, color=GREY,
            )  # fmt: skip
    for phase in found[1:]:
        axes.axvline(phase.start, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
