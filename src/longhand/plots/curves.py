"""Loss and accuracy while a run was trained, from its `metrics.jsonl` and `config.yaml`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from longhand.errors import UserError
from longhand.plots.phases import phases, shade
from longhand.plots.style import BLUE, GREEN, GREY, ORANGE, house_style, save

Row = Mapping[str, Any]

_LOG_BEYOND = 5
"""How many times its smallest value a loss must reach for a log scale."""


def read_metrics(path: Path) -> list[Row]:
    """Return the rows of a `metrics.jsonl`; raises `UserError` when the file is missing or damaged."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; give a run directory") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise UserError(f"{path}, line {number}: not JSON ({error.msg})") from error
    return rows


def draw_curves(metrics: Path, out: Path, *, suffix: str = "png") -> list[Path]:
    """Write `loss` and `accuracy` pictures of a run's metrics into the folder `out` and return their paths.

    The configuration beside the metrics, if there is one, says which evaluation is the best and how the rate falls.
    """
    rows = read_metrics(metrics)
    training = _training_section(metrics.parent / "config.yaml")
    figures = {"loss": loss_figure(rows, training), "accuracy": accuracy_figure(rows)}
    paths = [out / f"{name}.{suffix}" for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        save(figure, path)
    return paths


def loss_figure(rows: Sequence[Row], training: Mapping[str, Any] | None = None) -> Figure:
    """Return training and held-out loss (nats per counted token) and the learning rate below, with its phases.

    `training` is the section of the run's configuration; with it the evaluation whose weights were kept is marked.
    """
    training = training or {}
    with house_style():
        figure = Figure(figsize=(6.4, 4.2))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        rates = _series(rows, "learning_rate")
        found = phases(*rates, fall=str(training.get("schedule", "decay")).removeprefix("flat_"))
        shade(upper, found)
        shade(lower, found, names=False)
        seen: list[float] = []
        for name, colour, label in (("loss", BLUE, "training"), ("val_loss", ORANGE, "held out")):
            places, values = _series(rows, name)
            upper.plot(places, values, color=colour, label=label, linewidth=1.4)
            seen += [value for value in values if value > 0]
        if seen and max(seen) > _LOG_BEYOND * min(seen):
            upper.set_yscale("log")
        best = best_evaluation(rows, str(training["save_metric"])) if training.get("save_top_k") else None
        if best is not None and "val_loss" in best:
            _mark(upper, best, _time(rows))
        upper.set_ylabel("loss [nats per token]")
        upper.set_title("Loss")
        upper.legend(loc="upper right", bbox_to_anchor=(1, 0.93))
        lower.plot(*rates, color=GREY, linewidth=1.2)
        lower.set_ylim(bottom=0)
        lower.set_xlim(0, rates[0][-1] if rates[0] else None)
        lower.set_ylabel("learning rate")
        lower.set_xlabel(_time(rows))
        figure.align_ylabels()
        return figure


def best_evaluation(rows: Sequence[Row], metric: str) -> Row | None:
    """The evaluation whose weights a run keeps: the lowest loss or the highest share, of equals the later."""
    evaluations = [row for row in rows if row.get(metric) is not None]
    sign = -1 if metric == "val_loss" else 1
    return max(reversed(evaluations), key=lambda row: sign * float(row[metric]), default=None)


def accuracy_figure(rows: Sequence[Row]) -> Figure:
    """Return the exact match on held-out problems against steps, as the share still wrong (log scale)."""
    with house_style():
        figure = Figure(figsize=(6.4, 3.6))
        axes = figure.subplots()
        steps, values = _series(rows, "val_exact_match")
        counts = _series(rows, "val_total")[1]
        # A share of zero has no place on a log axis: it is drawn at half of one problem and marked.
        floor = 0.5 / max(counts, default=1)
        wrong = [max(1 - value, floor) for value in values]
        axes.plot(steps, wrong, color=GREEN, linewidth=1.4, marker="o", markersize=3)
        done = [(step, floor) for step, value in zip(steps, values, strict=True) if value == 1]
        if done:
            axes.plot(*zip(*done, strict=True), "o", color=GREEN, label="none wrong in this sample")
            axes.legend()
        axes.set_yscale("log")
        axes.set_ylabel("share of held-out problems wrong")
        axes.set_xlabel(_time(rows))
        axes.set_title("Exact match on held-out problems")
        return figure


def _mark(axes: Axes, best: Row, time: str) -> None:
    place, value = best[time], best["val_loss"]
    axes.plot(
        [place],
        [value],
        "o",
        color=GREEN,
        markersize=6,
        zorder=5,
        clip_on=False,
        label=f"best: {time} {place:g}, {value:.4g}",
    )


def _time(rows: Sequence[Row]) -> str:
    """What is counted along the axis: epochs where a run has them, else steps."""
    return "epoch" if rows and all("epoch" in row for row in rows) else "step"


def _series(rows: Sequence[Row], name: str) -> tuple[list[float], list[float]]:
    time = _time(rows)
    points = [(row[time], row[name]) for row in rows if row.get(name) is not None]
    return [place for place, _ in points], [value for _, value in points]


def _training_section(config: Path) -> Mapping[str, Any]:
    if not config.is_file():
        return {}
    try:
        values = yaml.safe_load(config.read_text(encoding="utf-8"))
        section = values["training"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError) as error:
        raise UserError(f"{config} is not the configuration of a run") from error
    return section if isinstance(section, dict) else {}
