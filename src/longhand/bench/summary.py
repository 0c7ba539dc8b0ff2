"""From samples to the rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from longhand.bench.result import Cell, Clock
from longhand.bench.statistics import Spread, paired_ratios, quantile, spread


@dataclass(frozen=True)
class Row:
    """What the samples of a cell come to.

    `rate` is items/s; `ratio` how many times faster the group's first cell is, in the same rounds; `share` the rate
    of useful operations divided by that of large matrix products of the same precision, in the same rounds.
    `latency` holds the median and the 99th percentile of single steps, in seconds.
    """

    group: str
    contender: str
    precision: str
    status: str
    rate: Spread | None = None
    ratio: Spread | None = None
    flops_per_second: float | None = None
    share: float | None = None
    peak_memory: int | None = None
    agreement: float | None = None
    latency: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON data."""
        return asdict(self)


def summarize(cells: Sequence[Cell], clock: Clock) -> list[Row]:
    """One row per cell, in order; the matrix products are the measure and get rows of their own."""
    rows: list[Row] = []
    for _, members in groupby(cells, key=lambda cell: cell.group):
        rows += _rows_of_group(list(members), clock)
    return rows


def _rows_of_group(cells: Sequence[Cell], clock: Clock) -> Iterable[Row]:
    contenders = [cell for cell in cells if cell.kind != "peak" and cell.measured]
    peaks = {cell.precision: _rates(cell, clock, cell.flops) for cell in cells if cell.kind == "peak" and cell.flops}
    first = contenders[0] if contenders else None
    for cell in cells:
        if not cell.measured:
            yield Row(cell.group, cell.contender, cell.precision, cell.status)
            continue
        rates = _rates(cell, clock, cell.items)
        operations = _rates(cell, clock, cell.flops) if cell.flops else {}
        shares = paired_ratios(operations, peaks.get(cell.precision, {})) if cell.kind != "peak" else []
        ratios: list[float] = []
        if first is not None and cell is not first and cell.kind != "peak":
            ratios = paired_ratios(_rates(first, clock, first.items), rates)
        yield Row(
            cell.group,
            cell.contender,
            cell.precision,
            cell.status,
            rate=spread(list(rates.values())),
            ratio=spread(ratios) if ratios else None,
            flops_per_second=spread(list(operations.values())).median if operations else None,
            share=spread(shares).median if shares else None,
            peak_memory=cell.peak_memory,
            agreement=cell.agreement,
            latency=(quantile(cell.each, 0.5), quantile(cell.each, 0.99)) if cell.each else None,
        )


def _rates(cell: Cell, clock: Clock, per_step: float | None) -> dict[int, float]:
    return {number: (per_step or 0.0) / seconds for number, seconds in cell.seconds(clock).items()}
