"""Pictures of the recursion experiment: arms in both ledgers, accuracy over levels and over depth of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longhand.plots.style import BLUE, GREEN, GREY, ORANGE, RED, house_style, save

_COLOURS = {"a3": GREEN, "a4": GREY, "a5": "#CC79A7", "a6": RED, "a8": ORANGE, "a9": BLUE, "a11": "#56B4E9"}
_LOOK = {"a8": "the whole model (a8)", "a3": "one state (a3)", "a4": "two states (a4)", "a5": "last round graded (a5)",
         "a6": "TRM head (a6)", "a9": "looped model (a9)", "a11": "TRM, whole answers (a11)"}  # fmt: skip

_LEVELS = {"C": "operations in the chain", "A": "digits that are added", "M": "digits of both numbers"}
_CURVES = {"C": (16, 32), "A": (4, 8), "M": (21, 22)}
"""The two levels whose curves over depth are drawn, where the plan asks them."""


def draw_recursion(results: Mapping[str, Any], out: Path, *, suffix: str = "png") -> list[Path]:
    """Write the pictures of `results` into `out` and return their paths."""
    drawn = [(_arms, "recursion-arms"), (_levels, "recursion-levels")]
    if any("curve" in arm for task in results["tasks"].values() for arm in task["arms"].values()):
        drawn.append((_depth, "recursion-depth"))
    paths = []
    for draw, name in drawn:
        path = out / f"{name}.{suffix}"
        with house_style():
            save(draw(results["tasks"]), path)
        paths.append(path)
    return paths


def _axes(tasks: Mapping[str, Any], width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * len(tasks), height), layout="constrained")
    return figure, figure.subplots(1, len(tasks), squeeze=False)[0]


def _arms(tasks: Mapping[str, Any]) -> Any:
    """A bar for each arm and ledger, with the interval over seeds and problems."""
    figure, all_axes = _axes(tasks, 4.2, 4.0)
    for axes, (name, task) in zip(all_axes, tasks.items(), strict=True):
        names = list(task["arms"])
        for offset, ledger, colour, words in (
            (-0.2, "flops", BLUE, "equal training FLOPs"),
            (0.2, "examples", ORANGE, "equal examples"),
        ):
            found = [task["arms"][arm][ledger]["accuracy"] for arm in names]
            values = [100 * row["value"] for row in found]
            errors = [
                [100 * (row["value"] - row["low"]) for row in found],
                [100 * (row["high"] - row["value"]) for row in found],
            ]
            places = [index + offset for index in range(len(names))]
            axes.barh(places, values, 0.38, color=colour, label=words)
            axes.errorbar(values, places, xerr=errors, fmt="none", ecolor="#333333", elinewidth=0.9)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.grid(visible=False, axis="y")
        axes.set_axisbelow(True)
        axes.set_xlabel("right, in % of the measured levels")
        axes.set_title(f"{name}: {task['title'].split(',')[0]}", fontsize=10)
    figure.legend(*all_axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _levels(tasks: Mapping[str, Any]) -> Any:
    """Accuracy over the level; dashed where an answer goes twice as deep as in training."""
    figure, all_axes = _axes(tasks, 4.2, 3.9)
    labels: dict[str, Any] = {}
    for axes, (name, task) in zip(all_axes, tasks.items(), strict=True):
        levels = [str(level) for level in (*task["measured"], *task["beyond"])]
        places = list(range(len(levels))) if name == "M" else [int(level) for level in levels]
        for arm, colour in _COLOURS.items():
            if arm not in task["arms"]:
                continue
            found = task["arms"][arm]
            own = found["flops"]["by_level"]
            (line,) = axes.plot(places, [100 * own[x] for x in levels], "o-", color=colour, markersize=3.5)
            labels.setdefault(_LOOK[arm], line)
            if "twice" in found:
                twice = [100 * found["twice"][x] for x in levels]
                axes.plot(places, twice, "--", color=colour, linewidth=1.2)
        if task["beyond"]:
            axes.axvspan(task["measured"][-1], task["beyond"][-1], color="#eeeeee", zorder=0)
        axes.set_xticks(places, [task["level_names"][level] for level in levels])
        axes.set_ylim(-3, 103)
        axes.set_ylabel("right, in %")
        axes.set_xlabel(_LEVELS[name])
        axes.set_title(f"{name}: {task['title'].split(',')[0]}", fontsize=10)
    figure.legend(labels.values(), labels.keys(), loc="outside lower center", ncols=4)
    return figure


def _depth(tasks: Mapping[str, Any]) -> Any:
    """Accuracy over the depth of the answer, at two levels; dotted lines are the depths of training."""
    figure, all_axes = _axes(tasks, 4.2, 3.9)
    labels: dict[str, Any] = {}
    for axes, (name, task) in zip(all_axes, tasks.items(), strict=True):
        shown = _CURVES[name] if set(_CURVES[name]) <= {*task["measured"], *task["beyond"]} else task["measured"]
        easier, harder = str(shown[0]), str(shown[-1])
        for arm, colour in _COLOURS.items():
            curve = task["arms"].get(arm, {}).get("curve")
            if curve is None:
                continue
            depths = [int(depth) for depth in curve]
            (line,) = axes.plot(depths, [100 * at[easier] for at in curve.values()], "o-", color=colour, markersize=3.5)
            labels.setdefault(_LOOK[arm], line)
            if harder != easier:
                axes.plot(depths, [100 * at[harder] for at in curve.values()], "--", color=colour, linewidth=1.2)
            own = task["arms"][arm]["own_depth"]
            axes.axvline(own, color=colour, linewidth=0.8, linestyle=":")
        axes.set_xscale("log", base=2)
        axes.set_xticks(depths, [str(depth) for depth in depths])
        axes.set_ylim(-3, 103)
        axes.set_xlabel("loops, passes, rounds or steps of the answer")
        axes.set_ylabel("right, in %")
        words = task["level_names"]
        axes.set_title(f"{name}: {words[easier]}, dashed {words[harder]}", fontsize=10)
    figure.legend(labels.values(), labels.keys(), loc="outside lower center", ncols=4)
    return figure
