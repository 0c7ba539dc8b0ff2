"""Exact match of evaluations, from their reports: one bar each, and by the length of the answer."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from longhand.errors import UserError
from longhand.plots.style import BLUE, GREEN, GREY, ORANGE, RED, house_style, save

Report = Mapping[str, Any]

_COLOURS = (BLUE, ORANGE, GREEN, RED, GREY)
_GROUP_WIDTH = 0.8
_NAME_WIDTH = 20  # characters


def read_report(path: Path) -> Report:
    """Return what `longhand evaluate --output-file` wrote; raises `UserError` if it is missing or something else."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error})") from error
    if not isinstance(report, dict) or not {"by_answer_length", "exact_match", "correct", "total"} <= report.keys():
        raise UserError(f"{path} is no report; write one with longhand evaluate MODEL --output-file {path}")
    return report


def draw_evaluations(paths: Sequence[Path], out: Path, *, suffix: str = "png") -> list[Path]:
    """Write the picture by answer length and, of several reports, that of one bar each; returns the paths."""
    reports = [read_report(path) for path in paths]
    names = _names(paths, reports)
    figures = {"accuracy_by_length": by_length_figure(names, reports)}
    if len(reports) > 1:
        figures["accuracy_by_evaluation"] = evaluations_figure(names, reports)
    written = [out / f"{name}.{suffix}" for name in figures]
    for path, figure in zip(written, figures.values(), strict=True):
        save(figure, path)
    return written


def evaluations_figure(names: Sequence[str], reports: Sequence[Report]) -> Figure:
    """Return a bar of exact match per report, in the order given, with its counts."""
    with house_style():
        figure = Figure(figsize=(max(4.0, 1.6 * len(reports) + 1.2), 3.8), layout="constrained")
        axes = figure.subplots()
        for place, report in enumerate(reports):
            _bar(axes, place, 0.55, report, _COLOURS[0], small=False)
        axes.set_xticks(range(len(reports)), [textwrap.fill(name, _NAME_WIDTH) for name in names])
        _finish(axes, "Exact match by evaluation")
        return figure


def by_length_figure(names: Sequence[str], reports: Sequence[Report]) -> Figure:
    """Return bars of exact match by digits of the answer, side by side for several reports."""
    lengths = sorted({int(length) for report in reports for length in report["by_answer_length"]})
    width = _GROUP_WIDTH / len(reports)
    with house_style():
        figure = Figure(
            figsize=(max(4.0, len(lengths) * (0.75 * len(reports) + 0.55) + 0.8), 3.8), layout="constrained"
        )
        axes = figure.subplots()
        colours = [_COLOURS[number % len(_COLOURS)] for number in range(len(reports))]
        for number, (report, colour) in enumerate(zip(reports, colours, strict=True)):
            for place, length in enumerate(lengths):
                cell = report["by_answer_length"].get(str(length))
                if cell is not None:
                    _bar(
                        axes, place + (number - (len(reports) - 1) / 2) * width, 0.92 * width, cell, colour, small=True
                    )
        axes.set_xticks(range(len(lengths)), [f"{length} digit{'s' if length > 1 else ''}" for length in lengths])
        axes.set_xlabel("length of the answer")
        _finish(axes, "Exact match by length of the answer")
        handles = [Patch(color=colour, label=name) for colour, name in zip(colours, names, strict=True)]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(names), 3), fontsize=9)
        return figure


def _bar(axes: Axes, place: float, width: float, cell: Mapping[str, Any], colour: str, *, small: bool) -> None:
    right, total = cell["correct"], cell["total"]
    counts = f"{right:,}\nof {total:,}" if small else f"{right:,} of {total:,}"
    axes.bar(place, 100 * right / total, width, color=colour)
    axes.annotate(
        f"{_percent(right, total)}\n{counts}",
        (place, 100 * right / total), xytext=(0, 3), textcoords="offset points", ha="center", va="bottom",
        fontsize=7.5 if small else 9, linespacing=1.25,
    )  # fmt: skip


def _percent(right: int, total: int) -> str:
    hundredths = right * 10_000 // total  # cut off, so that 100 % means all
    return "100 %" if right == total else f"{hundredths // 100}.{hundredths % 100:02} %"


def _finish(axes: Axes, title: str) -> None:
    axes.set_ylim(0, 122)  # room for the numbers above the bars
    axes.set_yticks(range(0, 101, 20))
    axes.set_ylabel("exact match [%]")
    axes.set_title(title)
    axes.grid(visible=False, axis="x")
    axes.set_axisbelow(True)


def _names(paths: Iterable[Path], reports: Sequence[Report]) -> list[str]:
    """The models that were asked, with the suite or the file where that does not tell them apart."""
    models = [str(report.get("model", path.stem)) for path, report in zip(paths, reports, strict=True)]
    suites = [str(report.get("suite", "")) for report in reports]
    if len(set(suites)) > 1:
        models = [f"{model}\n{suite}" for model, suite in zip(models, suites, strict=True)]
    if len(set(models)) < len(models):
        models = [f"{model}\n{path}" for model, path in zip(models, paths, strict=True)]
    return models
