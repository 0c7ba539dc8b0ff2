"""The report in a box, in the words of math-llm-poc's evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from longhand.evaluation.metrics import (
    Share,
    by_answer_length,
    by_operator,
    exact_match,
    hallucination,
    infinite_generation,
    out_of_range,
)
from longhand.evaluation.report import Report

_NARROWEST = 50


def boxed(report: Report) -> str:
    """The counts of a report as a box of text; shares are cut off, not rounded up, so that 1.0000 means all.

    The metrics are those of `longhand.evaluation.metrics`, and each completion has one verdict. The published script
    counts some twice and some otherwise: digits that never end can be a hallucination or out of range there too, an
    answer written 007 is wrong there and malformed here, and -5 is a hallucination there and wrong here. Where every
    completion ends in a number without needless zeros or a sign, both say the same.
    """
    tally = report.tally
    errors = {
        "hallucinations": hallucination(tally),
        "infinite_generation": infinite_generation(tally),
        "out_of_range": out_of_range(tally),
    }
    sections = {
        "By operation": {f"[{operator}] exact_match": share for operator, share in by_operator(tally).items()},
        "By answer length": {f"{n}-digit": share for n, share in by_answer_length(tally).items()},
        "Error analysis": errors,
    }
    labels = ["exact_match_accuracy", *(f"  {label}" for shares in sections.values() for label in shares)]
    name, digits = max(map(len, labels)), len(str(report.total))

    def row(label: str, value: str) -> str:
        return f"  {label:{name}} : {value}"

    def rows(shares: Mapping[str, Share]) -> Iterable[str]:
        return (row(f"  {label}", _share(share, digits)) for label, share in shares.items())

    total = row("test samples", str(report.total))
    blocks = [
        [f"Suite {report.suite}"],
        [total, row("exact_match_accuracy", _share(exact_match(tally), digits))],
        *([f"  {title}", *rows(shares)] for title, shares in sections.items()),
    ]
    width = max(_NARROWEST, *(len(line) + 2 for block in blocks for line in block))
    blocks[0] = ["Evaluation Report".center(width).rstrip(), blocks[0][0].center(width).rstrip()]
    return _box(blocks, width)


def _box(blocks: Iterable[Iterable[str]], width: int) -> str:
    bar = "═" * width
    inner = ["\n".join(f"║{line:{width}}║" for line in block) for block in blocks]
    return f"╔{bar}╗\n" + f"\n╠{bar}╣\n".join(inner) + f"\n╚{bar}╝"


def _share(share: Share, digits: int) -> str:
    if not share.total:
        return "n/a"
    ten_thousandths = share.right * 10_000 // share.total
    return f"{ten_thousandths // 10_000}.{ten_thousandths % 10_000:04} ({share.right:>{digits}} / {share.total})"
