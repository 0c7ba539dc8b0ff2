"""What was measured, to the last sample, as JSON data and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from longhand.atomic import write_json
from longhand.errors import UserError

SCHEMA = 1
MEASURED = "measured"

Clock = Literal["wall", "cpu"]


@dataclass(frozen=True, slots=True)
class Sample:
    """So many steps in one go: the round they belong to, and how long they took (seconds)."""

    round: int
    steps: int
    wall: float
    cpu: float

    def seconds(self, clock: Clock) -> float:
        """Seconds of one step."""
        return (self.wall if clock == "wall" else self.cpu) / self.steps


@dataclass(frozen=True)
class Cell:
    """One contender at one shape; `status` is `measured`, or says in a line why there are no samples.

    `group` names what is compared with each other; in it, samples of the same round were taken one after the other.
    `items` are the examples, answers or problems of one step, `flops` the useful operations (None: not counted), and
    `agreement` the share of answers equal to those of the group's first cell. `each` are single steps in seconds.
    """

    group: str
    contender: str
    precision: str
    kind: str
    spec: Mapping[str, Any]
    items: float
    flops: float | None = None
    status: str = MEASURED
    samples: Sequence[Sample] = ()
    peak_memory: int | None = None
    agreement: float | None = None
    each: Sequence[float] = ()

    @property
    def measured(self) -> bool:
        """Whether there are samples."""
        return self.status == MEASURED

    def seconds(self, clock: Clock) -> dict[int, float]:
        """Seconds of one step, by round."""
        return {sample.round: sample.seconds(clock) for sample in self.samples}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cell:
        """Read what `Result.to_dict` wrote."""
        return cls(**{**data, "samples": [Sample(**sample) for sample in data["samples"]]})


@dataclass(frozen=True)
class Result:
    """A whole comparison: the cells in order, and all one has to know to repeat it."""

    kind: str
    command: str
    started: str  # date and time, ISO 8601
    clock: Clock
    repeats: int
    seconds_per_sample: float
    machine: Mapping[str, Any]
    load_before: float | None
    load_after: float | None
    versions: Mapping[str, str]
    formula: str
    cells: Sequence[Cell]
    left_out: Sequence[str] = ()
    summary: Sequence[Mapping[str, Any]] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON data."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Result:
        """Read what `to_dict` wrote."""
        values = {key: value for key, value in data.items() if key != "schema"}
        return cls(**{**values, "cells": [Cell.from_dict(cell) for cell in data["cells"]]})


def write_result(path: Path, result: Result) -> None:
    """Write a result as JSON, whole or not at all."""
    write_json(path, result.to_dict())


def read_result(path: Path) -> Result:
    """Read a result; raises `UserError` for a file that is missing, damaged or of another schema."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not JSON ({error.msg})") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise UserError(f"{path} is no result of this version's longhand bench; measure again")
    return Result.from_dict(data)
