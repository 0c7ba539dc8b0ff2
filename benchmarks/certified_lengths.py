"""Proved models on long numbers: are all answers right, and how long does one take?

    python benchmarks/certified_lengths.py               # a few minutes; one thread
    python benchmarks/certified_lengths.py --problems 100 --model certified-compare-3

Every certified model that is shipped is asked random problems of several lengths, and carries and borrows that run from
one end to the other; numbers are also compared with themselves, and with one that differs in the units. The proof says
that all are right; this asks. Of the models that are not named, the rows stay. `--table` writes the table again.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from matplotlib.figure import Figure

from demo_seeds import SIGNS, processor, replace_table
from longhand.arithmetic.problem import COMPARISON, Problem
from longhand.atomic import write_json
from longhand.plots.style import BLUE, GREEN, GREY, ORANGE, RED, house_style, save
from longhand.solvers.load import load

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results" / "lengths.json"
PAGE = ROOT / "docs" / "results.md"
FOUR = "certified-four-3"
COLOURS = (BLUE, ORANGE, GREEN, RED, "#CC79A7")

# Digits of both numbers, and how many of `--problems` are asked: rows of products and divisions grow with the square.
LONG = ((10, 1.0), (100, 1.0), (1000, 1.0), (10_000, 0.01), (100_000, 0.001))
SQUARE = ((10, 1.0), (32, 0.1), (100, 1.0), (316, 0.0005))
PLAN = (
    *(("certified-add-3", "+", n, n, share) for n, share in LONG),
    *(("certified-signed-3", "-", n, n, share) for n, share in LONG),
    *(("certified-product-3", "*", n, n, share) for n, share in SQUARE),
    *(("certified-division-3", "/", n, n // 2, share) for n, share in SQUARE),
    *(("certified-compare-3", "?", n, n, share) for n, share in LONG),
    *((FOUR, operator, 100, 50 if operator == "/" else 100, 0.01) for operator in "+-*/"),
)


def measure(model: str, operator: str, n_a: int, n_b: int, problems: int) -> dict[str, Any]:
    """Ask random problems of these lengths, one after the other, and the longest carries."""
    solver, rng = load(model), random.Random(0)
    asked = [(_number(rng, n_a), _number(rng, n_b)) for _ in range(problems)]
    asked += [(10**n_a - 1, 1), (10 ** (n_a - 1), 1), (10**n_a - 1, 10**n_b - 1)]
    if operator == COMPARISON:  # another lowest bit makes another lowest digit, and changes no digit above it
        asked += [(a, b) for a, _ in asked[:problems] for b in (a, a ^ 1)]
    right, seconds, tokens = 0, [], []
    for pair in asked:
        problem = Problem(pair, (operator,), division="remainder")
        started = process_time()
        completion = solver.solve([f"{problem.expression}="])[0]
        seconds.append(process_time() - started)
        tokens.append(len(completion.token_ids))
        right += completion.answer == problem.answer
    return {
        "model": model,
        "operator": operator,
        "digits": [n_a, n_b],
        "asked": len(asked),
        "right": right,
        "most_tokens": max(tokens),
        "median_tokens": median(tokens),
        "median_seconds": median(seconds),
    }


def _number(rng: random.Random, n: int) -> int:
    return rng.randrange(10 ** (n - 1), 10**n)


def table(facts: dict[str, Any]) -> str:
    """Return the Markdown table of the facts."""
    lines = ["| model | problems | asked | right | longest answer | one answer |", "|---|---|--:|--:|--:|--:|"]
    for row in facts["rows"]:
        n_a, n_b = row["digits"]
        what = f"{n_a:,} digits {SIGNS.get(row['operator'], row['operator'])} {n_b:,} digits"
        cells = [row["model"], what, f"{row['asked']:,}", f"{row['right']:,}", f"{row['most_tokens']:,} tokens"]
        lines.append(f"| {' | '.join(cells)} | {row['median_seconds'] * 1000:.2f} ms |")
    return "\n".join([*lines, "", f"Median of all, asked one by one; seconds of one core of {facts['machine']}.\n"])


def figure(facts: dict[str, Any]) -> Figure:
    """Seconds of an answer against its tokens, beside a line along which a token always costs the same."""
    with house_style():
        drawn = Figure(figsize=(6.4, 3.6), layout="constrained")
        axes = drawn.subplots()
        curves = [row for row in facts["rows"] if row["model"] != FOUR]
        for model, colour in zip(dict.fromkeys(row["model"] for row in curves), COLOURS, strict=True):
            rows = [row for row in curves if row["model"] == model]
            x, y = ([row[key] for row in rows] for key in ("median_tokens", "median_seconds"))
            axes.loglog(
                x, y, "o-", color=colour, markersize=4.5, linewidth=1.2, label=SIGNS.get(rows[0]["operator"], "?")
            )
        longest = max(facts["rows"], key=lambda row: row["median_tokens"])
        ends = [100, longest["median_tokens"]]
        per_token = longest["median_seconds"] / longest["median_tokens"]
        line = [per_token * n for n in ends]
        axes.loglog(ends, line, "--", color=GREY, linewidth=1, label=f"{per_token * 1e6:.1f} µs per token", zorder=0)
        axes.set_xlabel("tokens of the answer, steps included")
        axes.set_ylabel("seconds")
        axes.set_title("A token costs the same wherever it stands")
        axes.legend()
        return drawn


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=10_000, metavar="N", help="of each short kind")
    models = tuple(dict.fromkeys(model for model, *_ in PLAN))
    parser.add_argument("--model", choices=models, help="the one to ask (all)")
    parser.add_argument("--table", action="store_true", help="only write the table again")
    arguments = parser.parse_args()
    facts = json.loads(FACTS.read_text(encoding="utf-8")) if FACTS.exists() else {"rows": []}
    if not arguments.table:
        asked = [arguments.model] if arguments.model else list(models)
        rows = [row for row in facts["rows"] if row["model"] not in asked]
        for model, operator, n_a, n_b, share in PLAN:
            if model in asked:
                rows.append(measure(model, operator, n_a, n_b, max(1, round(arguments.problems * share))))
                print(rows[-1], flush=True)
        facts = {"machine": processor(), "rows": sorted(rows, key=lambda row: models.index(row["model"]))}
        write_json(FACTS, facts)
    replace_table(PAGE, "lengths", table(facts))
    save(figure(facts), FACTS.with_suffix(".png"))


if __name__ == "__main__":
    main()
