"""Collect demo runs into `docs/results/demo.json`, and write its tables into README.md and docs/results.md.

    for seed in 0 1 2 3 4; do longhand demo --seed $seed --output-dir runs/seed-$seed; done
    python benchmarks/demo_seeds.py runs/seed-*

Without arguments only the tables are written again, from the file.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

from longhand.atomic import write_json, write_text

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results" / "demo.json"
PAGES = (ROOT / "README.md", ROOT / "docs" / "results.md")
_BETWEEN = re.compile(r"(<!-- demo table -->\n).*?(<!-- end of demo table -->)", flags=re.DOTALL)


def collect(runs: list[Path]) -> dict[str, Any]:
    """Return what the runs came to, one row per seed, with the machine they ran on."""
    rows = []
    for run in runs:
        report = json.loads((run / "report.json").read_text(encoding="utf-8"))
        training = json.loads((run / "model" / "training.json").read_text(encoding="utf-8"))
        config = json.loads((run / "model" / "config.json").read_text(encoding="utf-8"))
        rows.append(
            {
                "seed": training["seed"],
                "total": report["total"],
                "errors": report["errors"],
                "train_seconds": report["seconds_of_parts"]["train"],
                "sweep_seconds": report["seconds_of_parts"]["sweep"],
                "examples": training["examples"],
                "parameters": config["num_parameters"],
                "share_trained_on": training["data"]["share_trained_on"],
                "processes": training["processes"],
                "versions": training["versions"],
            }
        )
    return {"machine": f"{_processor()}, {os.cpu_count()} cores", "runs": sorted(rows, key=lambda row: row["seed"])}


def table(facts: dict[str, Any]) -> str:
    """Return the Markdown table of the facts, with hardware, seeds and repeats under it."""
    runs = facts["runs"]
    lines = ["| seed | right | of | wrong | training | sweep |", "|--:|--:|--:|--:|--:|--:|"]
    for run in runs:
        right = run["total"] - run["errors"]
        seconds = f"{run['train_seconds']:.0f} s | {run['sweep_seconds']:.0f} s"
        lines.append(f"| {run['seed']} | {right:,} | {run['total']:,} | {run['errors']:,} | {seconds} |")
    first = runs[0]
    versions = first["versions"]
    return "\n".join(
        [
            *lines,
            "",
            f"{first['parameters']:,} parameters, {first['examples']:,} examples drawn from"
            f" {first['share_trained_on']:.2%} of the domain. One run per seed on {facts['machine']}"
            f" ({first['processes']} processes, one thread each), torch {versions['torch']},"
            f" Python {versions['python']}.\n",
        ]
    )


def write_tables(facts: dict[str, Any]) -> None:
    """Put the table between its marks in every page."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        replaced, found = _BETWEEN.subn(lambda match: match.group(1) + table(facts) + match.group(2), text)
        assert found == 1, page
        write_text(page, replaced)


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        names = re.findall(r"^model name\s*:\s*(.*)$", text, flags=re.MULTILINE)
        return names[0] if names else platform.machine()
    except OSError:
        return platform.processor() or platform.machine()


def main() -> None:
    """Collect if runs are given, then write the tables."""
    if len(sys.argv) > 1:
        write_json(FACTS, collect([Path(name) for name in sys.argv[1:]]))
    write_tables(json.loads(FACTS.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
