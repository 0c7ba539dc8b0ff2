"""Write the tables of docs/results.md from what `longhand bench` left in docs/results/bench.

longhand bench all --output-dir docs/results/bench
python benchmarks/start_up.py
python benchmarks/bench_tables.py
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from longhand.atomic import write_text
from longhand.bench.result import Result, read_result
from longhand.bench.tables import Table, notes, tables
from start_up import table as start_table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "results.md"
FACTS = ROOT / "docs" / "results" / "bench"
KINDS = ("train", "decode", "sweep", "data", "scaling")


def markdown(result: Result) -> str:
    """Return all tables of a result with what has to be said below them."""
    parts = [_table(table) for table in tables(result)]
    below = [f"{note[0].upper()}{note[1:]}." for note in notes(result)]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(result.versions.items()))
    below.append(f"Measured {result.started[:10]} by `{result.command}`; {versions}.")
    return "\n\n".join([*parts, " ".join(below)]) + "\n"


def _table(table: Table) -> str:
    lines = [f"**{re.sub(' {2,}', '; ', table.title)}**", ""]
    lines.append("| " + " | ".join(table.columns) + " |")
    lines.append("|---" * min(1, len(table.columns)) + "|--:" * (len(table.columns) - 1) + "|")
    lines += ["| " + " | ".join(row) + " |" for row in table.rows]
    if table.absent:
        lines += ["", *table.absent]
    return "\n".join(lines)


class Facts:
    """Figures by name out of everything that was measured."""

    def __init__(self) -> None:
        self.rows = {
            (kind, row["group"], row["contender"]): row
            for kind in ("train", "decode", "sweep", "data")
            for row in read_result(FACTS / f"{kind}.json").summary
        }
        self.start = _read("start")
        self.proof = {name: max(run["seconds"] for run in _read(name)["runs"]) for name in ("demo", "add")}

    def rate(self, kind: str, group: str, contender: str) -> float:
        """The median rate of a contender."""
        return float(self.rows[kind, group, contender]["rate"]["median"])

    def lead(self, kind: str, group: str, ours: str, theirs: Sequence[str]) -> float:
        """Our rate over that of the best of them."""
        measured = [name for name in theirs if self.rows[kind, group, name]["rate"] is not None]
        return self.rate(kind, group, ours) / max(self.rate(kind, group, name) for name in measured)

    def seconds(self, name: str) -> float:
        """The median of a start."""
        return statistics.median(self.start["starts"][name])


def bars(facts: Facts) -> str:
    """Return the table of what was asked for and what was measured."""
    peers = ("eager", "hugging-face", "lightning")
    rows: list[tuple[str, float, str, bool]] = []

    def at_least(what: str, value: float, bar: float, shown: str) -> None:
        rows.append((f"{what} ≥ {bar:g}", value, shown, value >= bar))

    def at_most(what: str, value: float, bar: float, shown: str) -> None:
        rows.append((f"{what} ≤ {bar:g}", value, shown, value <= bar))

    for width, bar in ((128, 4), (256, 6)):
        for batch in (64, 512):
            group = f"width {width}, batch {batch}"
            at_least(
                f"training, {group}: times the best fp32 peer",
                facts.lead("train", group, "longhand", peers),
                bar,
                "{:.2f}",
            )
    for width, batch, bar in ((256, 512, 35), (512, 64, 50)):
        share = 100 * facts.rows["train", f"width {width}, batch {batch}", "longhand"]["share"]
        at_least(f"training, width {width}, batch {batch}: % of the bf16 peak", share, bar, "{:.0f}")
    for width in (64, 128, 256):
        one, two = facts.start["rates"][f"{width}/1"], facts.start["rates"][f"{width}/2"]
        ratio = statistics.median(b / a for a, b in zip(one, two, strict=True))
        at_least(f"training, width {width}: two processes, times one", ratio, 1.8, "{:.2f}")
    at_most("time to proof, sums and differences, slowest of five seeds: s", facts.proof["demo"], 60, "{:.1f}")
    at_most("time to proof, sums alone, slowest of five seeds: s", facts.proof["add"], 20, "{:.1f}")
    for batch, bar in ((1, 8), (32, 4), (256, 4)):
        group = f"answer, width 128, batch {batch}"
        value = facts.lead("decode", group, "longhand", ("hugging-face",))
        at_least(f"answers, fp32, batch {batch}: times `generate`", value, bar, "{:.2f}")
    for batch in (256, 4096):
        group = f"answer, width 128, batch {batch}"
        value = facts.lead("decode", group, "longhand-bf16", ("hugging-face",))
        at_least(f"answers, bf16, batch {batch}: times `generate` in fp32", value, 8, "{:.2f}")
    latency = facts.rows["decode", "answer, width 128, batch 1", "longhand"]["latency"]
    at_most("one three-digit answer, median: ms", 1000 * latency[0], 1.5, "{:.2f}")
    for name in ("longhand", "longhand-bf16"):
        value = facts.rate("decode", "worked answer, width 256, batch 256", name)
        at_least(f"worked answers in math-llm's format and shape, {name}: per second", value, 1000, "{:,.0f}")
    (sweep,) = [row for (kind, _, name), row in facts.rows.items() if kind == "sweep" and "2" in name]
    at_most("sweep of 1,000,000 sums, two processes: s", 1e6 / sweep["rate"]["median"], 10, "{:.1f}")
    group = next(group for kind, group, _ in facts.rows if kind == "data")
    for name in ("listed, as people write", "drawn, as people write", "training batches of the demo"):
        at_least(f"data with text and ids, {name}: million/s", facts.rate("data", group, name) / 1e6, 2, "{:.1f}")
    for width, batch in ((128, 512), (512, 64)):
        memory = facts.rows["train", f"width {width}, batch {batch}", "longhand"]["peak_memory"]
        at_most(f"training, width {width}, batch {batch}: resident MiB", memory / 2**20, 600, "{:.0f}")
    at_most("`import longhand`: s", facts.seconds("import longhand"), 0.3, "{:.2f}")
    at_most("`longhand --help`: s", facts.seconds("longhand --help"), 0.5, "{:.2f}")
    at_most("first answer of `longhand solve`: s", facts.seconds("first answer of longhand solve"), 3, "{:.2f}")
    lines = ["| bar | measured | |", "|---|--:|---|"]
    lines += [
        f"| {what} | {shown.format(value)} | {'met' if met else '**missed**'} |" for what, value, shown, met in rows
    ]
    return "\n".join(lines) + "\n"


def _read(name: str) -> Any:
    return json.loads((ROOT / "docs" / "results" / f"{name}.json").read_text(encoding="utf-8"))


def page_with_tables(page: str) -> str:
    """Return the page with each table between its marks."""
    texts = {f"bench {kind}": markdown(read_result(FACTS / f"{kind}.json")) for kind in KINDS}
    texts |= {"bars": bars(Facts()), "start table": start_table(_read("start"))}
    for name, text in texts.items():
        between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", flags=re.DOTALL)
        page, found = between.subn(lambda match, text=text: match.group(1) + text + match.group(2), page)
        assert found == 1, name
    return page


if __name__ == "__main__":
    write_text(PAGE, page_with_tables(PAGE.read_text(encoding="utf-8")))
