"""How cost grows: seconds against width, depth, batch, row length and number of problems.

The predicted exponent is that of the FLOP formula at the very sizes measured: the slope of its least-squares line
through the same points. It is no asymptote, which these sizes are far from: at width 64 the embedding's share of the
work is not that of width 512.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from statistics import geometric_mean
from typing import Any

from longhand.bench.comparisons import Outcome, Plan
from longhand.bench.contenders.registry import known
from longhand.bench.flops import training_flops
from longhand.bench.machine import one_core
from longhand.bench.measure import Entry, measure
from longhand.bench.process import WorkerProcess
from longhand.bench.result import Cell, Clock
from longhand.bench.spec import SweepSpec, TrainSpec
from longhand.bench.statistics import power_law, spread

CURVE_BUDGET = 40.0
"""Seconds after which the points of a curve are not measured again."""


@dataclass(frozen=True)
class Curve:
    """Seconds against a size: medians of the rounds, and the exponents of both lines.

    `predicted` are the seconds the FLOP formula gives at one rate for all points, the one closest to what was
    measured (in the logarithm); `cost` says whether it is seconds per step or per sweep.
    """

    name: str
    cost: str
    sizes: Sequence[float]
    seconds: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    predicted: Sequence[float]
    fitted_exponent: float
    fitted_factor: float
    predicted_exponent: float

    def to_dict(self) -> dict[str, Any]:
        """The curve as JSON data."""
        return asdict(self)


def _training(**varied: Sequence[int]) -> Callable[[bool], list[TrainSpec]]:
    ((name, sizes),) = varied.items()

    def specs(quick: bool) -> list[TrainSpec]:
        base = TrainSpec(32, 8, layers=1) if quick else TrainSpec(128, 64)
        chosen = [max(1, size // 8) if name in ("width", "batch") else size for size in sizes] if quick else sizes
        return [replace(base, **{name: size}) for size in (chosen[:2] if quick else chosen)]

    return specs


CURVES: dict[str, Callable[[bool], list[TrainSpec]]] = {
    "width": _training(width=(64, 128, 256, 512)),
    "layers": _training(layers=(1, 2, 4, 8)),
    "batch": _training(batch=(32, 128, 512, 2048)),
    "tokens per row": _training(digits=(2, 4, 8, 16)),
}
SWEPT = (2**16, 2**17, 2**18)


def measure_scaling(plan: Plan) -> Outcome:
    """Measure the points of every curve in turn, round after round."""
    outcome = Outcome()
    settings = replace(plan.settings, seconds=plan.settings.seconds / 2, budget=CURVE_BUDGET)
    core = one_core()
    with WorkerProcess(known("train")["longhand"], core) as process:
        for name, specs in CURVES.items():
            entries = [Entry(process, "train", spec, spec.batch, training_flops(spec)) for spec in specs(plan.quick)]
            outcome.cells += measure(name, entries, settings, say=plan.say)
        outcome.versions |= process.versions
    with WorkerProcess(known("sweep")["longhand"], core) as process:
        sizes = (2**9, 2**10) if plan.quick else SWEPT
        entries = [Entry(process, "sweep", SweepSpec(n, processes=0), n) for n in sizes]
        outcome.cells += measure("problems swept", entries, settings, say=plan.say)
    return outcome


def curves(cells: Sequence[Cell], clock: Clock) -> list[Curve]:
    """The curves of these cells; a curve of fewer than two measured points is left out."""
    found = []
    for name, members in groupby(cells, key=lambda cell: cell.group):
        measured = [cell for cell in members if cell.measured and cell.samples]
        if len(measured) >= 2:
            found.append(_curve(name, measured, clock))
    return found


def _curve(name: str, cells: Sequence[Cell], clock: Clock) -> Curve:
    sizes = [_size(name, cell) for cell in cells]
    spreads = [spread(list(cell.seconds(clock).values())) for cell in cells]
    seconds = [each.median for each in spreads]
    costs = [cell.flops or cell.items for cell in cells]  # a sweep's work is its number of problems
    exponent, factor = power_law(sizes, seconds)
    seconds_per_cost = geometric_mean([second / cost for second, cost in zip(seconds, costs, strict=True)])
    return Curve(
        name=name,
        cost="seconds per sweep" if cells[0].kind == "sweep" else "seconds per step",
        sizes=sizes,
        seconds=seconds,
        low=[each.low for each in spreads],
        high=[each.high for each in spreads],
        predicted=[seconds_per_cost * cost for cost in costs],
        fitted_exponent=exponent,
        fitted_factor=factor,
        predicted_exponent=power_law(sizes, costs)[0],
    )


def _size(name: str, cell: Cell) -> float:
    if cell.kind == "sweep":
        return float(cell.spec["problems"])
    spec = TrainSpec(**cell.spec)
    return float({"width": spec.width, "layers": spec.layers, "batch": spec.batch}.get(name, spec.tokens))
