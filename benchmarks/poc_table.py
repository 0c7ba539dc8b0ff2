"""math-llm-poc's task: train on its files, ask its test file, and write the table into docs/results.md.

    longhand data make --profile poc --out data/poc
    python benchmarks/poc_table.py poc-fast --seeds 5 --exhaustive    # two minutes
    python benchmarks/poc_table.py poc                                # an hour
    python benchmarks/poc_table.py poc --run runs/poc                 # a run of that configuration that is there

Without a name the table is only written again, from the facts in docs/results/poc.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from demo_seeds import processor
from longhand.atomic import write_json, write_text

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results" / "poc.json"
PAGE = ROOT / "docs" / "results.md"
SUITE = "data/poc/test.csv"
LENGTHS = ("1", "2", "3", "4")
COLUMNS = (
    *("recipe", "seed", "parameters", "examples", "training", "right", "+", "-"),
    *("1 digit", "2", "3", "4", "wrong of all 1,500,500"),
)

Facts = dict[str, Any]


def measure(name: str, seed: int, run: Path | None, *, exhaustive: bool) -> Facts:
    """Train the configuration `name` with a seed, unless `run` holds what came of it, and ask it the test file."""
    with TemporaryDirectory() as folder:
        if run is None:
            run = Path(folder) / "run"
            _longhand("train", "--config", name, "--training.seed", str(seed), "--output-dir", str(run))
        return facts_of(name, run, exhaustive=exhaustive)


def facts_of(name: str, run: Path, *, exhaustive: bool) -> Facts:
    """Return what a finished run says of itself, and its answers to the test file and, if asked for, to everything."""
    training = _json(run / "model" / "training.json")
    test = _evaluate(run, SUITE)
    keys = ("correct", "total", "by_operator", "by_answer_length", "verdicts")
    return {
        "config": name,
        "seed": training["seed"],
        "test": {key: test[key] for key in keys},
        "wrong_of_all": _evaluate(run, "exhaustive")["errors"] if exhaustive else None,
        "parameters": _json(run / "model" / "config.json")["num_parameters"],
        "seconds": _rows(run)[-1]["seconds"],
        "steps": _rows(run)[-1]["step"],
        "kept_step": training["steps"],
        "examples_per_step": training["examples"] // training["steps"],
        "rows": training["data"]["rows"],
        "files": {split: file["sha256"] for split, file in training["data"]["files"].items()},
        "seen": training["data"]["held_out_rows_seen_in_training"]["test"],
        "machine": f"{processor()}, {os.cpu_count()} cores",
        **{key: training[key] for key in ("processes", "threads", "precision", "engine", "versions")},
    }


def table(facts: Mapping[str, Any]) -> str:
    """Return the Markdown table of all runs under the published figures, with hardware and seeds below it."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" + "|--:" * (len(COLUMNS) - 1) + "|"]
    for row in [facts["published"], *facts["runs"]]:
        test = row["test"]
        shares = [test, *(test["by_operator"][o] for o in "+-"), *(test["by_answer_length"][n] for n in LENGTHS)]
        cells = [
            row["config"],
            _or_dash(row.get("seed")),
            f"{row['parameters']:,}",
            f"{row['steps'] * row['examples_per_step']:,}" if "steps" in row else "-",
            f"{row['seconds']:,.0f} s" if "seconds" in row else "-",
            *map(_percent, shares),
            _or_dash(row.get("wrong_of_all")),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    by_hardware: dict[str, dict[str, None]] = {}
    for row in facts["runs"]:
        how = (
            f"{row['precision']}, engine {row['engine']}, {row['processes']} process of {row['threads']} thread on"
            f" {row['machine']}, torch {row['versions']['torch']}, Python {row['versions']['python']}"
        )
        by_hardware.setdefault(how, {})[row["config"]] = None
    test, seen = facts["published"]["test"]["total"], {row["seen"] for row in facts["runs"]}
    below = [f"{', '.join(names)}: {how}." for how, names in by_hardware.items()]
    below.append(facts["note"])
    below += [
        f"Right: share of the {test:,} rows of its test file, cut off, not rounded; {n:,} have their commuted twin"
        " or an inverse fact in its training file."
        for n in seen
    ]
    return "\n".join([*lines, "", " ".join(below), ""])


def write_table() -> None:
    """Put the table between its marks."""
    between = re.compile(r"(<!-- poc table -->\n).*?(<!-- end of poc table -->)", flags=re.DOTALL)
    page, found = between.subn(lambda match: match.group(1) + table(_json(FACTS)) + match.group(2), _text(PAGE))
    assert found == 1
    write_text(PAGE, page)


def add_runs(runs: list[Facts]) -> None:
    """Keep runs in the facts; a run of the same configuration and seed replaces the one before."""
    facts = _json(FACTS)
    new = {(run["config"], run["seed"]): run for run in [*facts["runs"], *runs]}
    write_json(FACTS, {**facts, "runs": [new[key] for key in sorted(new)]})


def _percent(share: Mapping[str, int]) -> str:
    """Cut off, so that 100 % means all."""
    right, total = share["correct"], share["total"]
    return "100 %" if right == total else f"{right * 10_000 // total / 100:.2f} %"


def _or_dash(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _evaluate(run: Path, suite: str) -> Any:
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        _longhand("evaluate", str(run), "--suite", suite, "--output-file", str(report), "--processes", "1")
        return _json(report)


def _longhand(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "longhand", *words], check=True, stdout=subprocess.DEVNULL)


def _rows(run: Path) -> list[Facts]:
    return [json.loads(line) for line in _text(run / "metrics.jsonl").splitlines()]


def _json(path: Path) -> Any:
    return json.loads(_text(path))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def main() -> None:
    """Measure if a configuration is named, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=["poc", "poc-fast"], help="the configuration to train")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, from 0 on (1)")
    parser.add_argument("--run", type=Path, help="the directory of a finished run, instead of training")
    parser.add_argument("--exhaustive", action="store_true", help="also ask every problem of the domain")
    arguments = parser.parse_args()
    if arguments.name:
        seeds = range(1 if arguments.run else arguments.seeds)
        add_runs([measure(arguments.name, seed, arguments.run, exhaustive=arguments.exhaustive) for seed in seeds])
    write_table()


if __name__ == "__main__":
    main()
