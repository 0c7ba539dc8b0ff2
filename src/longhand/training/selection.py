"""Which checkpoints are the best ones, and when there is no hope of a better one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from longhand.training.config import EarlyStoppingConfig, Metric, is_better


@dataclass
class BestCheckpoints:
    """The `k` best (value, step) by a metric, best first; of equal values the later step is better."""

    k: int
    metric: Metric
    entries: list[tuple[float, int]] = field(default_factory=list)

    def offer(self, step: int, metrics: Mapping[str, Any]) -> bool:
        """Take note of an evaluation; true if its weights are among the best and have to be kept."""
        value = float(metrics[self.metric])
        place = sum(is_better(self.metric, entry[0], value) for entry in self.entries)
        self.entries.insert(place, (value, step))
        del self.entries[self.k :]
        return place < self.k

    @property
    def steps(self) -> list[int]:
        """The steps of the best checkpoints, best first."""
        return [step for _, step in self.entries]


@dataclass
class EarlyStopping:
    """Counts evaluations since the last improvement by more than `min_delta`."""

    config: EarlyStoppingConfig
    best: float | None = None
    waited: int = 0

    def note(self, metrics: Mapping[str, Any]) -> None:
        """Take note of an evaluation."""
        value = float(metrics[self.config.metric])
        if self.best is None or is_better(self.config.metric, value, self.best, by=self.config.min_delta):
            self.best, self.waited = value, 0
        else:
            self.waited += 1

    @property
    def is_over(self) -> bool:
        """Whether `patience` evaluations in a row have brought no improvement."""
        return self.waited >= self.config.patience


def write_selection(best: BestCheckpoints, early: EarlyStopping | None) -> dict[str, Any]:
    """What selection remembers, as plain data for a training state."""
    return {
        "best": (best.metric, best.entries),
        "early": None if early is None else (early.config.metric, early.best, early.waited),
    }


def read_selection(best: BestCheckpoints, early: EarlyStopping | None, content: Mapping[str, Any]) -> None:
    """Take over what `write_selection` gave.

    Values of one metric say nothing about another: a changed metric begins anew.
    """
    metric, entries = content["best"]
    if metric == best.metric:
        best.entries = [(value, step) for value, step in entries][: best.k]
    if early is not None and content["early"] is not None:
        metric, value, waited = content["early"]
        if metric == early.config.metric:
            early.best, early.waited = value, waited
