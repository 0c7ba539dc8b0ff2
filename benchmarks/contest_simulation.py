"""Contests of fifty problems in five hours, simulated: how many would not end in time, with our rule and with others.

    python benchmarks/contest_simulation.py  # 10,000 contests per rule

Writes docs/results/contest.json and the table in docs/contest.md.
The same contests for every rule: hardness of the problems, stalls of the machine and jumps of its clocks are drawn from
their numbers. See `longhand.olympiad.contest.simulation` for what goes wrong in them, and how often.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

from demo_seeds import replace_table
from longhand.atomic import write_json
from longhand.bench.machine import describe_machine
from longhand.olympiad.contest.budget import MARGIN
from longhand.olympiad.contest.contract import PROBLEMS, RUN_SECONDS
from longhand.olympiad.contest.simulation import USUAL, simulate

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results" / "contest.json"
PAGE = ROOT / "docs" / "contest.md"

RULES: dict[str, dict[str, Any]] = {
    "ours": {},
    "ours, half of the bank at most": {"draw": 0.5},
    "ours, a tenth of the bank at most": {"draw": 0.1},
    "public notebooks: clip(left - 300 others, 300, 900)": {
        "rule": lambda left, others: min(900.0, max(300.0, left - 300 * others))
    },
    "a fiftieth of the limit each": {"rule": lambda left, others: (RUN_SECONDS - MARGIN) / PROBLEMS},
    "a fiftieth of the five hours each": {"rule": lambda left, others: RUN_SECONDS / PROBLEMS},
}


def measure(count: int) -> dict[str, Any]:
    """What became of `count` contests under each rule."""
    rows = {}
    for name, keys in RULES.items():
        started = perf_counter()
        contests = [simulate(seed, **keys) for seed in range(count)]
        rows[name] = {
            "contests": count,
            "overran": sum(contest.overran for contest in contests),
            "not_all_answered": sum(contest.answered < PROBLEMS for contest in contests),
            "longest_seconds": round(max(contest.seconds for contest in contests), 1),
            "solved_on_average": round(sum(contest.solved for contest in contests) / count, 3),
            "measured_in_seconds": round(perf_counter() - started, 2),
        }
        print(f"{name:55} overran {rows[name]['overran']:5} of {count:,}, longest {rows[name]['longest_seconds']:,} s")
    return rows


def table(facts: dict[str, Any]) -> str:
    """The Markdown table of the facts."""
    lines = ["| rule | contests | overran | longest | solved of 50 |", "|---|--:|--:|--:|--:|"]
    for name, row in facts["rules"].items():
        cells = [name, f"{row['contests']:,}", str(row["overran"]), f"{row['longest_seconds']:,.0f} s"]
        lines.append(f"| {' | '.join(cells)} | {row['solved_on_average']:.1f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contests", type=int, default=10_000, metavar="N", help="contests per rule (10,000)")
    arguments = parser.parse_args()
    rows = measure(arguments.contests)
    facts = {
        "problems": PROBLEMS,
        "run_seconds": RUN_SECONDS,
        "margin_seconds": MARGIN,
        "faults": asdict(USUAL),
        "rules": rows,
        "machine": describe_machine(),
    }
    write_json(FACTS, facts)
    replace_table(PAGE, "contest", table(facts))


if __name__ == "__main__":
    main()
