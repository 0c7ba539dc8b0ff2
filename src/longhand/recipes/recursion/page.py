"""The tables of the page, written from the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from longhand.errors import UserError
from longhand.recipes.recursion.registry import ARMS
from longhand.recipes.recursion.results import CANDIDATE, LEDGERS

_BEGIN, _END = "<!-- tables -->", "<!-- end of tables -->"
_LEDGER_WORDS = {"flops": "equal FLOPs", "examples": "equal examples"}


def tables(results: Mapping[str, Any]) -> str:
    """All tables as Markdown, task after task."""
    parts = []
    for name, task in results["tasks"].items():
        parts += [f"### {name}: {task['title']}", _verdict(task), _arms(task), _levels(task), _comparisons(task)]
    return "\n\n".join(part for part in parts if part)


def page_with_tables(page: str, results: Mapping[str, Any]) -> str:
    """The page with what stands between its marks written anew; raises `UserError` for one without them."""
    before, begun, rest = page.partition(_BEGIN)
    _, ended, after = rest.partition(_END)
    if not begun or not ended:
        raise UserError(f"the page has no {_BEGIN} with {_END} after it; put them where the tables belong")
    return f"{before}{_BEGIN}\n\n{tables(results)}\n\n{_END}{after}"


def _verdict(task: Mapping[str, Any]) -> str:
    if task["helps"] is None:
        return ""
    said = "does" if task["helps"] else "does not"
    return f"By the registered rule the recursive head **{said} help** here."


def _arms(task: Mapping[str, Any]) -> str:
    rows = []
    for arm, found in task["arms"].items():
        cells = [arm, ARMS[arm].title, f"{found['parameters']:,}"]
        for ledger in LEDGERS:
            accuracy = found[ledger]["accuracy"]
            cells.append(f"{_percent(accuracy['value'])} ({_percent(accuracy['low'])} to {_percent(accuracy['high'])})")
        cells += [f"{found['flops']['spent']['examples']:,.0f}", f"{found['examples']['spent']['flops'] / 1e12:.2f}"]
        rows.append(cells)
    head = [
        "arm", "what it is", "trained numbers", "right at equal FLOPs", "right at equal examples",
        "examples for the FLOPs", "TFLOP for the examples",
    ]  # fmt: skip
    return _table(head, rows, "llrrrrr")


def _levels(task: Mapping[str, Any]) -> str:
    levels = [str(level) for level in (*task["measured"], *task["beyond"])]
    rows = []
    for arm, found in task["arms"].items():
        by_level = found["flops"]["by_level"]
        rows.append([arm, str(found["own_depth"]), *(_percent(by_level[level]) for level in levels)])
        if "twice" in found:
            rows.append([arm, str(2 * found["own_depth"]), *(_percent(found["twice"][level]) for level in levels)])
    head = ["arm", "depth of the answer", *(task["level_names"][level] for level in levels)]
    return _table(head, rows, "lr" + "r" * len(levels))


def _comparisons(task: Mapping[str, Any]) -> str:
    rows = []
    for row in task["comparisons"]:
        difference = row["difference"]
        rows.append(
            [
                f"{CANDIDATE} against {row['rival']}",
                _LEDGER_WORDS[row["ledger"]],
                f"{_points(difference['value'])} ({_points(difference['low'])} to {_points(difference['high'])})",
                f"{row['ours_alone']:,} : {row['theirs_alone']:,}",
                _p(row["p_corrected"]),
            ]
        )
    if not rows:
        return ""
    return _table(["", "ledger", "difference, points", "right alone", "p, corrected"], rows, "llrrr")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], sides: str) -> str:
    rule = ["--:" if side == "r" else "---" for side in sides]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")
