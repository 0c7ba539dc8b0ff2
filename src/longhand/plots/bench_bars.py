"""Rates of several contenders at several shapes, as groups of bars on a log scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from longhand.plots.style import BLUE, GREEN, GREY, ORANGE, RED, house_style

_SKY, _PURPLE, _YELLOW = "#56B4E9", "#CC79A7", "#F0E442"  # the rest of Okabe and Ito's palette
_COLOURS = {
    "longhand": BLUE,
    "longhand-fp32": _SKY,
    "longhand-bf16": _SKY,
    "longhand-reference": GREY,
    "eager": ORANGE,
    "eager-bf16": _YELLOW,
    "hugging-face": GREEN,
    "lightning": _PURPLE,
}
_WIDTH_OF_GROUP = 0.82

Rows = Sequence[Mapping[str, Any]]


def training_figure(result: Mapping[str, Any]) -> Figure:
    """Examples/s of every contender: a panel per batch, a group of bars per width, with the median ratio to ours."""
    panels = _panels(result, "batch", "width")
    with house_style():
        return _figure(panels, "Training on one core", "examples/s", "width", lambda batch: f"batch {batch}")


def decoding_figure(result: Mapping[str, Any]) -> Figure:
    """Answers/s of every contender with the same weights: a panel per task, a group of bars per batch."""
    panels = _panels(result, "task", "batch")
    titles = {"answer": "three-digit answers", "worked": "worked answers"}
    with house_style():
        return _figure(panels, "Answering on one core", "answers/s", "batch", lambda task: titles[str(task)])


def _panels(result: Mapping[str, Any], panel_key: str, group_key: str) -> dict[Any, dict[Any, Rows]]:
    """The measured rows by panel and by group, both in ascending order."""
    specs = {cell["group"]: cell["spec"] for cell in result["cells"] if cell["kind"] != "peak"}
    rows = [row for row in result["summary"] if row["status"] == "measured" and row["contender"] != "matrix product"]
    several_widths = group_key == "batch" and len({spec["width"] for spec in specs.values()} - {256}) > 1

    def place(row: Mapping[str, Any]) -> tuple[Any, Any]:
        spec = specs[row["group"]]
        group = (spec["batch"], spec["width"]) if several_widths else spec[group_key]
        return spec[panel_key], group

    panels: dict[Any, dict[Any, Rows]] = {}
    for (panel, group), members in groupby(sorted(rows, key=place), key=place):
        panels.setdefault(panel, {})[group] = list(members)
    return panels


def _figure(panels: Mapping[Any, Mapping[Any, Rows]], title: str, rate: str, group_name: str, name: Any) -> Figure:
    names = list(
        dict.fromkeys(row["contender"] for groups in panels.values() for rows in groups.values() for row in rows)
    )
    colours = _colours(names)
    widths = [max(1, len(groups)) for groups in panels.values()]
    figure = Figure(figsize=(max(6.4, 0.3 * len(names) * sum(widths) + 1.6), 4.0), layout="constrained")
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True, width_ratios=widths)[0]
    for axes, (panel, groups) in zip(grid, panels.items(), strict=True):
        _draw_groups(axes, groups, names, colours)
        axes.set_title(name(panel), fontsize=10, fontweight="normal")
        axes.set_xlabel(group_name)
    grid[0].set_ylabel(f"{rate} (log scale)")
    low, high = grid[0].get_ylim()
    grid[0].set_ylim(low, high * 1.6)  # room for the ratios above the bars
    handles = {label: handle for axes in grid for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(
        [handles[label] for label in names], names, loc="outside lower center", ncols=min(len(names), 4), fontsize=9
    )
    figure.suptitle(f"{title}; above the bars: how many times faster {names[0]} is", x=0.01, ha="left", fontsize=11)
    return figure


def _draw_groups(axes: Axes, groups: Mapping[Any, Rows], names: Sequence[str], colours: Mapping[str, str]) -> None:
    width = _WIDTH_OF_GROUP / len(names)
    for place, rows in enumerate(groups.values()):
        for row in rows:
            at = place - _WIDTH_OF_GROUP / 2 + (names.index(row["contender"]) + 0.5) * width
            rate = row["rate"]
            axes.bar(at, rate["median"], 0.9 * width, color=colours[row["contender"]], label=row["contender"])
            axes.vlines(at, rate["low"], rate["high"], color="#333333", linewidth=0.8)
            if row["ratio"] is not None:
                axes.annotate(
                    f"{row['ratio']['median']:.1f}×",
                    (at, rate["high"]),
                    xytext=(0, 3),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    rotation=90,
                    fontsize=7.5,
                    color="#333333",
                )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(range(len(groups)), [_group_label(group) for group in groups])
    axes.grid(visible=False, axis="x")
    axes.set_axisbelow(True)


def _group_label(group: Any) -> str:
    return f"{group[0]:,}\nwidth {group[1]}" if isinstance(group, tuple) else f"{group:,}"


def _colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each; those a user brought along take what is left."""
    left = iter([RED, "#000000", "#999999"] * len(names))
    return {name: _COLOURS.get(name) or next(left) for name in names}
