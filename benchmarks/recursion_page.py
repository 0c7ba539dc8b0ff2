"""Take the runs of the recursion experiment into the documentation: results, pictures, and the tables of its page.

After `longhand recipes recursion-ablation --out runs/recursion`: `python benchmarks/recursion_page.py runs/recursion`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from longhand.atomic import write_text
from longhand.plots.recursion import draw_recursion
from longhand.recipes.recursion.page import page_with_tables
from longhand.recipes.recursion.plan import REGISTERED, load_plan
from longhand.recipes.recursion.record import RUNS, read_runs
from longhand.recipes.recursion.results import write_results

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "recursion.md"
KEPT_RUNS, FACTS = DOCS / "results" / "recursion.jsonl", DOCS / "results" / "recursion.json"


def main(out: Path) -> None:
    """Take over the runs of `out`, one line each, compare them, draw, and write the tables anew."""
    plan = load_plan(REGISTERED)
    runs = read_runs(out / RUNS, plan)
    write_text(KEPT_RUNS, "".join(json.dumps(run, separators=(",", ":")) + "\n" for run in runs))
    results = write_results(FACTS, plan, runs)
    draw_recursion(results, FACTS.parent)
    write_text(PAGE, page_with_tables(PAGE.read_text(encoding="utf-8"), results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
