"""Figures show the numbers they are given, and the same numbers give the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.plots.curves import accuracy_figure, best_evaluation, draw_curves, loss_figure, read_metrics
from longhand.plots.domain_map import domain_map
from longhand.plots.phases import phases
from longhand.plots.style import save
from longhand.training.selection import BestCheckpoints

ROWS = [
    {"step": 10, "loss": 2.0, "learning_rate": 0.1},
    {"step": 20, "loss": 1.0, "learning_rate": 0.2, "val_loss": 1.5, "val_exact_match": 0.25, "val_total": 400},
    {"step": 30, "loss": 0.1, "learning_rate": 0.0, "val_loss": 0.2, "val_exact_match": 1.0, "val_total": 400},
]


def _lines(axes: object) -> dict[str, list[tuple[float, float]]]:
    return {
        str(line.get_label()): list(zip(*line.get_data(), strict=True))
        for line in axes.get_lines()  # type: ignore[attr-defined]
    }


def test_the_loss_figure_shows_every_logged_value() -> None:
    upper, lower = loss_figure(ROWS).axes
    assert {label: points for label, points in _lines(upper).items() if not label.startswith("_")} == {
        "training": [(10, 2.0), (20, 1.0), (30, 0.1)],
        "held out": [(20, 1.5), (30, 0.2)],
    }
    assert [(10, 0.1), (20, 0.2), (30, 0.0)] in _lines(lower).values()


@pytest.mark.row("S2-P1")
def test_the_loss_figure_marks_the_evaluation_that_was_kept_and_counts_epochs_where_there_are_some() -> None:
    rows = [row | {"epoch": row["step"] / 10} for row in ROWS]
    upper, lower = loss_figure(rows, {"save_metric": "val_loss", "save_top_k": 1, "schedule": "flat_cosine"}).axes
    assert _lines(upper)["best: epoch 3, 0.2"] == [(3, 0.2)]
    assert lower.get_xlabel() == "epoch"
    assert {text.get_text() for text in upper.texts} == {"warm-up", "cosine"}
    assert not any("best" in label for label in _lines(loss_figure(rows, {"save_top_k": 0}).axes[0]))


@given(
    st.lists(st.sampled_from([0.0, 0.5, 0.9]), min_size=1, max_size=8), st.sampled_from(["val_loss", "val_exact_match"])
)
def test_the_best_evaluation_is_the_one_training_keeps(values: list[float], metric: str) -> None:
    best = BestCheckpoints(1, metric)  # type: ignore[arg-type]
    rows = [{"step": step, metric: value} for step, value in enumerate(values)]
    for row in rows:
        best.offer(int(row["step"]), row)
    found = best_evaluation(rows, metric)
    assert found is not None
    assert [found["step"]] == best.steps


@pytest.mark.row("S2-P1")
def test_the_phases_are_read_off_the_published_rates() -> None:
    epochs = list(range(1, 61))
    rates = [1e-4 + min(e - 1, 4) / 4 * 9e-4 for e in epochs]
    rates = [r if e <= 40 else 1e-5 + 99e-5 * (60 - e) / 20 for e, r in zip(epochs, rates, strict=True)]
    assert phases(epochs, rates, "cosine") == [("warm-up", 0, 5), ("flat", 5, 40), ("cosine", 40, 60)]
    assert phases([1, 2, 3], [0.1, 0.1, 0.1]) == []
    assert phases([10, 20, 30], [0.3, 0.2, 0.1]) == [("flat", 0, 10), ("decay", 10, 30)]
    assert phases([10, 20, 30], [0.1, 0.2, 0.3]) == [("warm-up", 0, 30)]


def test_a_perfect_evaluation_has_a_place_on_the_log_axis() -> None:
    (axes,) = accuracy_figure(ROWS).axes
    lines = _lines(axes)
    assert lines.pop("none wrong in this sample") == [(30, 0.5 / 400)]
    ((first, second),) = lines.values()
    assert first == (20, 0.75)
    assert second == (30, 0.5 / 400)


def test_curves_are_written_for_a_run_and_are_reproducible(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    first = [path.read_bytes() for path in draw_curves(metrics, tmp_path / "a")]
    again = [path.read_bytes() for path in draw_curves(metrics, tmp_path / "b")]
    assert first == again
    assert all(data.startswith(b"\x89PNG") for data in first)
    assert [p.suffix for p in draw_curves(metrics, tmp_path / "c", suffix="svg")] == [".svg", ".svg"]


def test_damaged_metrics_are_named_by_file_and_line(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.jsonl"
    with pytest.raises(UserError, match="give a run directory"):
        read_metrics(metrics)
    metrics.write_text('{"step": 1}\n{"step": \n')
    with pytest.raises(UserError, match="line 2: not JSON"):
        read_metrics(metrics)


def test_a_domain_map_has_the_first_operand_to_the_right_and_holes_where_nothing_is_asked(tmp_path: Path) -> None:
    share = np.full((4, 4), np.nan)
    share[3, 0] = 1.0
    figure = domain_map(
        [
            {"title": "one", "share": share, "max_operand": 3},
            {"title": "two", "share": share, "max_operand": 3, "row": 1},
        ]
    )
    image = figure.axes[0].get_images()[0].get_array()
    assert image is not None
    assert image[0, 3] == 1.0  # row 0 is the second operand 0, at the bottom; column 3 the first operand
    assert np.ma.masked_invalid(image).mask.sum() == 15
    save(figure, tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 1000
