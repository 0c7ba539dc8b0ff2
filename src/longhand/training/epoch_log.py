"""A run in epochs as a table of text, a line per epoch: a view of its metrics, for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

Row = Mapping[str, Any]

_WIDTHS = {"epoch": 5, "train_loss": 10, "val_loss": 8, "val_token_acc": 13, "lr": 10}


def epoch_log(rows: Sequence[Row]) -> str:
    """The rows of a `metrics.jsonl` that have an `epoch`, as math-llm-poc logs its training.

    `train_loss` is the mean of the rows of an epoch by their steps, the held-out columns are those of its last
    evaluation, or `-` if it has none. `val_token_acc` is over all tokens the loss counts, `lr` that of the last step.
    """
    header = "  ".join(f"{name:>{width}}" for name, width in _WIDTHS.items())
    lines = [header, "-" * len(header)]
    step = 0
    for epoch, members in groupby(rows, lambda row: math.ceil(row["epoch"] - 1e-9)):
        logged, weighted = 0, 0.0
        measured: Row = {}
        rate = math.nan
        for row in members:
            n, step = row["step"] - step, row["step"]
            logged, weighted, rate = logged + n, weighted + n * row["loss"], row["learning_rate"]
            measured = row if "val_loss" in row else measured
        accuracy = measured.get("val_token_accuracy_all", measured.get("val_token_accuracy"))
        cells = (
            str(epoch),
            f"{weighted / logged:.4f}",
            *("-" if value is None else f"{value:.4f}" for value in (measured.get("val_loss"), accuracy)),
            f"{rate:.2e}",
        )
        lines.append("  ".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS.values(), strict=True)))
    return "\n".join(lines) + "\n"
