"""The table of a run in epochs: the published columns, and numbers that are those of the metrics."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.training.epoch_log import epoch_log

PUBLISHED = """\
epoch  train_loss  val_loss  val_token_acc          lr
------------------------------------------------------
    1      2.0156    1.8037         0.3065    1.00e-04
   55      1.2114    1.2061         0.5254    1.55e-04
"""


def row(step: int, epoch: float, loss: float, **values: Any) -> dict[str, Any]:
    return {"step": step, "epoch": epoch, "loss": loss, "learning_rate": 1e-4, **values}


@pytest.mark.row("S2-T3")
def test_the_columns_the_rule_and_the_widths_are_the_published_ones() -> None:
    rows = [
        row(313, 1.0, 2.0156, val_loss=1.8037, val_token_accuracy=0.9, val_token_accuracy_all=0.3065),
        row(17215, 55.0, 1.2114, val_loss=1.2061, val_token_accuracy_all=0.5254) | {"learning_rate": 1.5501e-4},
    ]
    assert epoch_log(rows) == PUBLISHED


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    losses=st.lists(st.floats(0.1, 3), min_size=6, max_size=6),
)
def test_the_training_loss_of_an_epoch_is_the_mean_over_its_steps(lengths: list[int], losses: list[float]) -> None:
    total = sum(lengths)
    rows, per_step = [], []
    for length, loss in zip(lengths, losses, strict=False):
        per_step += [loss] * length
        rows.append(row(len(per_step), len(per_step) / total, loss))
    (line,) = epoch_log(rows).splitlines()[2:]
    assert float(line.split()[1]) == pytest.approx(sum(per_step) / total, abs=6e-5)


def test_an_epoch_without_an_evaluation_has_its_line_and_a_started_one_too() -> None:
    rows = [row(2, 1.0, 2.0), row(4, 2.0, 1.0, val_loss=0.5, val_token_accuracy=0.25), row(5, 2.5, 0.5)]
    lines = [line.split() for line in epoch_log(rows).splitlines()[2:]]
    assert lines == [
        ["1", "2.0000", "-", "-", "1.00e-04"],
        ["2", "1.0000", "0.5000", "0.2500", "1.00e-04"],
        ["3", "0.5000", "-", "-", "1.00e-04"],
    ]
