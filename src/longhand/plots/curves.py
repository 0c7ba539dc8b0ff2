"""Loss and accuracy against training steps, from a run's `metrics.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from longhand.errors import UserError
from longhand.plots.style import BLUE, GREEN, GREY, ORANGE, house_style, save

Row = Mapping[str, Any]


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
    """Write `loss` and `accuracy` pictures of a run's metrics into the folder `out` and return their paths."""
    rows = read_metrics(metrics)
    figures = {"loss": loss_figure(rows), "accuracy": accuracy_figure(rows)}
    paths = [out / f"{name}.{suffix}" for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        save(figure, path)
    return paths


def loss_figure(rows: Sequence[Row]) -> Figure:
    """Return training and held-out loss (nats per counted token, log scale) and the learning rate below."""
    with house_style():
        figure = Figure(figsize=(6.4, 4.2))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        for name, colour, label in (("loss", BLUE, "training"), ("val_loss", ORANGE, "held out")):
            steps, values = _series(rows, name)
            upper.plot(steps, values, color=colour, label=label, linewidth=1.4)
        upper.set_yscale("log")
        upper.set_ylabel("loss [nats per token]")
        upper.set_title("Loss")
        upper.legend()
        steps, values = _series(rows, "learning_rate")
        lower.plot(steps, values, color=GREY, linewidth=1.2)
        lower.set_ylim(bottom=0)
        lower.set_ylabel("learning rate")
        lower.set_xlabel("step")
        figure.align_ylabels()
        return figure


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
        axes.set_xlabel("step")
        axes.set_title("Exact match on held-out problems")
        return figure


def _series(rows: Sequence[Row], name: str) -> tuple[list[float], list[float]]:
    points = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
    return [step for step, _ in points], [value for _, value in points]
