"""One benchmark from beginning to end, as a value that can be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from longhand.bench.comparisons import (
    Outcome,
    Plan,
    compare_data,
    compare_decoding,
    compare_sweeps,
    compare_training,
)
from longhand.bench.contenders.registry import PEERS
from longhand.bench.flops import FORMULA
from longhand.bench.machine import describe_machine, load_average
from longhand.bench.result import Result
from longhand.bench.scaling import curves, measure_scaling
from longhand.bench.summary import summarize
from longhand.errors import UserError

BENCHMARKS: Mapping[str, Callable[[Plan], Outcome]] = {
    "train": compare_training,
    "decode": compare_decoding,
    "sweep": compare_sweeps,
    "data": compare_data,
    "scaling": measure_scaling,
}


def run_benchmark(kind: str, plan: Plan) -> Result:
    """Run a benchmark of this kind; raises `UserError` for peers it does not have and settings that are impossible."""
    if plan.against is not None and kind not in PEERS:
        raise UserError(f"bench {kind} has no peers to be compared with; leave out --against")
    started, load_before = datetime.now(UTC).isoformat(timespec="seconds"), load_average()
    outcome = BENCHMARKS[kind](plan)
    if kind == "scaling":
        summary = [curve.to_dict() for curve in curves(outcome.cells, plan.clock)]
    else:
        summary = [row.to_dict() for row in summarize(outcome.cells, plan.clock)]
    return Result(
        kind=kind,
        command=plan.command,
        started=started,
        clock=plan.clock,
        repeats=plan.settings.repeats,
        seconds_per_sample=plan.settings.seconds,
        machine=describe_machine(),
        load_before=load_before,
        load_after=load_average(),
        versions=outcome.versions,
        formula=FORMULA,
        cells=outcome.cells,
        left_out=outcome.left_out,
        summary=summary,
    )
