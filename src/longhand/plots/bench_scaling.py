"""Seconds against size: what was measured, the power of the size that fits, and what the count of FLOPs predicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from longhand.plots.style import BLUE, ORANGE, house_style


def scaling_figure(result: Mapping[str, Any]) -> Figure:
    """A panel per size: measured medians with their spread, the fitted line, and the prediction."""
    curves = result["summary"]
    with house_style():
        figure = Figure(figsize=(2.45 * len(curves), 2.95), layout="constrained")
        for axes, curve in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves, strict=True):
            _draw(axes, curve)
        figure.suptitle("How cost grows", x=0.005, ha="left", fontweight="bold", fontsize=12)
        figure.axes[0].set_ylabel("seconds (log scale)")
        return figure


def _draw(axes: Axes, curve: Mapping[str, Any]) -> None:
    sizes, seconds = curve["sizes"], curve["seconds"]
    fitted = [curve["fitted_factor"] * size ** curve["fitted_exponent"] for size in sizes]
    axes.plot(
        sizes, curve["predicted"], "--", color=ORANGE, linewidth=1.4, label=f"FLOPs {curve['predicted_exponent']:.2f}"
    )
    axes.plot(sizes, fitted, color=BLUE, linewidth=1.2, label=f"fitted {curve['fitted_exponent']:.2f}")
    below = [middle - low for middle, low in zip(seconds, curve["low"], strict=True)]
    above = [high - middle for middle, high in zip(seconds, curve["high"], strict=True)]
    axes.errorbar(sizes, seconds, yerr=[below, above], fmt="o", color=BLUE, markersize=4.5, linewidth=1, zorder=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: _short(size)))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_title(curve["cost"].removeprefix("seconds "), fontsize=9, fontweight="normal", color="#555555")
    axes.set_xlabel(curve["name"])
    axes.legend(title="exponent", fontsize=8, title_fontsize=8, loc="upper left", handlelength=1.6)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.45)  # room for the legend


def _short(size: float) -> str:
    return f"{size / 2**10:g}k" if size >= 2**14 else f"{size:g}"
