"""The tables of docs/results.md about serving, from the facts that the other scripts have left."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from demo_seeds import processor, replace_table

ROOT = Path(__file__).resolve().parents[2]
FACTS = ROOT / "docs" / "results"
PAGE = ROOT / "docs" / "results.md"


def machine() -> str:
    """The processor that something was measured on."""
    return processor()


def throughput(facts: dict[str, Any]) -> str:
    """`/predict` beside a route that does nothing."""
    lines = ["| connections | /predict | p50 | p99 | a route that does nothing | p50 | p99 | ratio |"]
    lines.append(f"|{'--:|' * 8}")
    for row in facts["rows"]:
        cells = [f"{row['connections']}", *_speeds(row["/predict"]), *_speeds(row["/noop"]), _ratios(row)]
        lines.append(f"| {' | '.join(cells)} |")
    where = f"server and client a process each on {facts['machine']}"
    end = f"{facts['rounds']} rounds, medians; {where}. Every answer compared."
    return "\n".join([*lines, "", f"{end}\n"])


def beside_poc(facts: dict[str, Any]) -> str:
    """Our server beside that of system 002."""
    lines = ["| users | longhand | p50 | p99 | system 002 | p50 | p99 | ratio |", f"|{'--:|' * 8}"]
    for row in facts["rows"]:
        cells = [f"{row['users']}", *_speeds(row["ours"]), *_speeds(row["theirs"]), _ratios(row)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{facts['rounds']} rounds, medians; one process and one thread each.\n"])


def long_runs(million: dict[str, Any], malformed: dict[str, Any], overload: dict[str, Any]) -> str:
    """What many requests found."""
    versions = " and ".join(f"{n:,}" for n in million["by_version"].values())
    differing = f"{million['differing']:,} of the problems"
    first, last = malformed["mib"][len(malformed["mib"]) // 4], malformed["mib"][-1]
    refused = sum(overload["refused"].values())
    kinds = ", ".join(f"{n:,} with {status}" for status, n in overload["refused"].items())
    rows = [
        (
            f"{million['requests']:,} requests over {million['connections']} connections, {million['promotions']} "
            f"promotions in between, {million['seconds']:,.0f} s",
            f"{million['wrong']} answers other than the version's offline, {million['not_answered_once']} lost or "
            f"doubled; {versions} answered by the two versions, which differ on {differing}",
        ),
        (
            f"{malformed['bodies']:,} malformed bodies",
            f"{malformed['wrong']} answers that are no documented refusal; memory {first:.0f} MiB after a quarter of "
            f"them, {last:.0f} MiB after all",
        ),
        (
            f"{overload['asked_per_second']:,.0f} requests/s for {overload['seconds']:.0f} s where "
            f"{overload['capacity']:,.0f}/s can be answered (products of {overload['digits']} digits)",
            f"{overload['served']:,} served, {overload['wrong']} wrong, {overload['lost']} lost, the longest in "
            f"{overload['served_longest_ms']:,.0f} ms of {overload['deadline_ms']:,} allowed; {refused:,} refused "
            f"({kinds}), 99 % of them within {overload['refused_p99_ms']:,.0f} ms; alone before "
            f"{overload['alone_before_ms']:,.0f} ms, afterwards {overload['alone_after_ms']:,.0f} ms",
        ),
    ]
    return "\n".join(["| what | found |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)]) + "\n"


def _speeds(found: dict[str, float]) -> list[str]:
    return [f"{found['rate']:,.0f}/s", f"{found['p50_ms']:.2f} ms", f"{found['p99_ms']:.2f} ms"]


def _ratios(row: dict[str, Any]) -> str:
    return f"{median(row['ratios']):.2f} ({min(row['ratios']):.2f}–{max(row['ratios']):.2f})"


def tables() -> dict[str, str]:
    """Every table by its name, as far as its facts are there."""
    facts = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FACTS.glob("serving*.json"))}
    found = {}
    if "serving" in facts:
        found["serving"] = throughput(facts["serving"])
    if "serving_poc" in facts:
        found["serving beside 002"] = beside_poc(facts["serving_poc"])
    long = [facts.get(f"serving_{name}") for name in ("million", "malformed", "overload")]
    if all(long):
        found["serving for long"] = long_runs(*long)  # type: ignore[arg-type]
    return found


def write_tables() -> None:
    """Write them into the page."""
    for name, text in tables().items():
        replace_table(PAGE, name, text)


if __name__ == "__main__":
    write_tables()
