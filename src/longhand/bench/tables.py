"""The tables people read, as titles, columns and rows of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from longhand.bench.result import MEASURED, Result

MISSING = "–"

_RATES = {"train": "examples/s", "decode": "answers/s", "sweep": "problems/s", "data": "problems/s"}


@dataclass(frozen=True)
class Table:
    """A title, the names of the columns, the cells row by row, and lines to stand below."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    absent: Sequence[str] = ()
    """A line for each that has no row, saying why."""


def tables(result: Result) -> Iterator[Table]:
    """The tables of a result: one per group, or one of all curves."""
    if result.kind == "scaling":
        yield _curves(result.summary)
        return
    for group, members in groupby(result.summary, key=lambda row: row["group"]):
        rows = list(members)
        if result.kind in ("train", "decode"):
            yield _comparison(group, rows, _RATES[result.kind])
        else:
            yield _rates(group, rows, _RATES[result.kind], with_ratio=result.kind == "sweep")


def notes(result: Result) -> Iterator[str]:
    """What has to be said below the tables: the formula, what was left out, and how busy the machine was."""
    if result.kind in ("train", "decode"):
        yield f"FLOPs: {result.formula}"
        yield "peak: products of large matrices by torch.mm, measured in the same rounds"
        yield "ratio: the first row's rate divided by this one's, median (lowest–highest) of the rounds"
    if result.kind == "decode":
        yield "same: share of prompts after which the same tokens were written as by the first row"
    if result.left_out:
        yield f"left out for their size (--widths and --batches ask for them): {'; '.join(result.left_out)}"
    machine, cores = result.machine, result.machine["available_cores"]
    yield f"{machine['processor']}, {cores} core{'s' * (cores != 1)}; {result.clock} clock, {result.repeats} rounds"
    load = result.load_before
    if load is not None and load > cores - 0.5 and result.clock == "wall":
        yield f"the machine was busy (load {load:g} on {cores} cores before the start); --clock cpu is less disturbed"


def _comparison(group: str, rows: Sequence[Mapping[str, Any]], rate: str) -> Table:
    peaks = [row for row in rows if row["contender"] == "matrix product" and row["status"] == MEASURED]
    shown = [row for row in rows if row["contender"] != "matrix product" and row["status"] == MEASURED]
    columns = ["contender", rate, "ratio", "TFLOP/s", "of peak", "MiB"]
    with_latency = any(row["latency"] for row in shown)
    with_agreement = any(row["agreement"] is not None for row in shown)
    columns += ["median", "99 %"] if with_latency else []
    columns += ["same"] if with_agreement else []
    cells = []
    for row in shown:
        line = [row["contender"], _count(row["rate"]["median"]), _ratio(row["ratio"]), _tera(row["flops_per_second"])]
        line += [_percent(row["share"], row["precision"]), _megabytes(row["peak_memory"])]
        if with_latency:
            line += [_milliseconds(value) for value in row["latency"] or (None, None)]
        if with_agreement:
            line.append(MISSING if row["agreement"] is None else f"{100 * row['agreement']:.4g} %")
        cells.append(line)
    measured = ", ".join(f"{row['precision']} {_tera(row['flops_per_second'])}" for row in peaks)
    return Table(f"{group}   peak: {measured} TFLOP/s" if measured else group, columns, cells, _absent(rows))


def _rates(group: str, rows: Sequence[Mapping[str, Any]], rate: str, *, with_ratio: bool) -> Table:
    columns = ["", rate, "min", "max"] + (["times the first"] if with_ratio else [])
    cells = []
    for row in rows:
        if row["status"] != MEASURED:
            continue
        line = [row["contender"], *(_count(row["rate"][key]) for key in ("median", "low", "high"))]
        if with_ratio:
            line.append(MISSING if row["ratio"] is None else f"{1 / row['ratio']['median']:.2f}")
        cells.append(line)
    return Table(group, columns, cells, _absent(rows))


def _absent(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{row['contender']}: {row['status']}" for row in rows if row["status"] != MEASURED]


def _curves(summary: Sequence[Mapping[str, Any]]) -> Table:
    cells = [
        [
            curve["name"],
            " ".join(f"{size:,.0f}" for size in curve["sizes"]),
            " ".join(f"{second:.3g}" for second in curve["seconds"]),
            f"{curve['fitted_exponent']:.2f}",
            f"{curve['predicted_exponent']:.2f}",
        ]
        for curve in summary
    ]
    return Table("seconds grow with a power of", ["size", "sizes", "seconds", "fitted", "predicted"], cells)


def _count(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _ratio(ratio: Mapping[str, float] | None) -> str:
    if ratio is None:
        return MISSING
    return f"{ratio['median']:.2f} ({ratio['low']:.2f}–{ratio['high']:.2f})"


def _tera(rate: float | None) -> str:
    if rate is None:
        return MISSING
    return f"{rate / 1e12:.3f}" if rate >= 1e10 else f"{rate / 1e12:.5f}"


def _percent(share: float | None, precision: str) -> str:
    return (
        MISSING
        if share is None
        else f"{100 * share:.{0 if share >= 0.1 else 1 if share >= 0.01 else 2}f} % {precision}"
    )


def _megabytes(size: int | None) -> str:
    return MISSING if size is None else f"{size / 2**20:,.0f}"


def _milliseconds(seconds: float | None) -> str:
    return MISSING if seconds is None else f"{1000 * seconds:.2f} ms"
