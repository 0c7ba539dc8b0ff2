"""Some of the word problems of a source, and the split of a data set that a command means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from longhand.errors import UserError
from longhand.olympiad.data.build_store import Source
from longhand.olympiad.data.dataset import WordProblemFiles, open_dataset
from longhand.olympiad.data.files import splits_in
from longhand.olympiad.data.schemas import Schema, Steps
from longhand.olympiad.data.word_problem import RowReport, WordProblem


@dataclass(frozen=True, slots=True)
class PartOfSource:
    """The problems of `source` from number `offset` on, `count` of them (None: all that come).

    Rows that cannot be converted are none and are not numbered. Raises `UserError` for impossible numbers.
    """

    source: Source
    offset: int = 0
    count: int | None = None

    def __post_init__(self) -> None:
        if self.offset < 0 or (self.count is not None and self.count < 1):
            raise UserError(f"offset {self.offset} and num_samples {self.count} are no part of anything; count from 0")

    def read(self, report: RowReport | None = None) -> Iterator[WordProblem]:
        """Stream the problems of this part."""
        end = None if self.count is None else self.offset + self.count
        return islice(self.source.read(report), self.offset, end)

    def describe(self) -> dict[str, Any]:
        """What is read, as JSON data."""
        return {**self.source.describe(), "offset": self.offset, "count": self.count}


def open_split(
    data: str | Path | None, dataset: Schema, split: str | None, default: str, steps: Steps = "strip"
) -> WordProblemFiles:
    """The files of a split: the one that is asked for, else `default`, and never another.

    Files of which none names a split are read as they are. Raises what `open_dataset` does.
    """
    if split is None and data is not None:
        split = None if splits_in(data) == {None} else default
    return open_dataset(data, dataset=dataset, split=split, steps=steps)
