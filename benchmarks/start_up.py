"""How long it takes to begin, and what a second process brings; into docs/results/start.json.

    python benchmarks/start_up.py [--repeats 5]

Medians of fresh processes, in turn. The files are in the page cache: the first command after a reboot takes longer.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from longhand.atomic import write_json

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results" / "start.json"
PYTHON = [sys.executable]
COMMANDS = {
    "python -c pass": [*PYTHON, "-c", "pass"],
    "import longhand": [*PYTHON, "-c", "import longhand, sys; assert 'torch' not in sys.modules"],
    "longhand --help": [*PYTHON, "-m", "longhand", "--help"],
    "first answer of longhand solve": [*PYTHON, "-m", "longhand", "solve", "models/add-sub-3", "951+11="],
}
WIDTHS = (64, 128, 256)


def seconds_of(command: list[str]) -> float:
    """Wall-clock seconds of a command that has to succeed."""
    started = perf_counter()
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return perf_counter() - started


def rate_of(width: int, processes: int) -> float:
    """Examples per second of the second half of a run, from its own log."""
    steps = {64: 120, 128: 60, 256: 24}[width]
    with TemporaryDirectory() as folder:
        overrides = {
            "model.d_model": width,
            "model.n_heads": width // 16,
            "model.n_layers": 4,
            "model.d_ff": 4 * width,
            "training.batch_size": 1024,
            "training.max_steps": steps,
            "training.optimizer": "adamw",
            "training.warmup_steps": 10,
            "training.eval_interval": steps,
            "training.log_interval": steps // 2,
            "training.eval_samples": 64,
        }
        options = [text for key, value in overrides.items() for text in (f"--{key}", str(value))]
        command = [*PYTHON, "-m", "longhand", "train", "--config", "demo", "--output-dir", folder + "/run"]
        subprocess.run([*command, "--processes", str(processes), *options], cwd=ROOT, capture_output=True, check=True)
        rows = [json.loads(line) for line in (Path(folder) / "run" / "metrics.jsonl").read_text().splitlines()]
        return float(rows[-1]["examples_per_second"])


def measure(repeats: int) -> dict[str, Any]:
    """All figures, each contender once per round."""
    starts: dict[str, list[float]] = {name: [] for name in COMMANDS}
    rates: dict[str, list[float]] = {f"{width}/{n}": [] for width in WIDTHS for n in (1, 2)}
    load_before = os.getloadavg()[0]
    for _ in range(repeats):
        for name, command in COMMANDS.items():
            starts[name].append(round(seconds_of(command), 4))
        for width in WIDTHS:
            for n in (1, 2):
                rates[f"{width}/{n}"].append(rate_of(width, n))
    return {"repeats": repeats, "load_before": load_before, "cores": os.cpu_count(), "starts": starts, "rates": rates}


def table(facts: dict[str, Any]) -> str:
    """Return two Markdown tables, of the starts and of one process against two."""
    lines = ["| | seconds, median | lowest–highest |", "|---|--:|--:|"]
    for name, seconds in facts["starts"].items():
        lines.append(f"| `{name}` | {statistics.median(seconds):.2f} | {min(seconds):.2f}–{max(seconds):.2f} |")
    lines += ["", "| training, 4 layers, batch 1,024 | one process | two | times |", "|---|--:|--:|--:|"]
    for width in WIDTHS:
        one, two = facts["rates"][f"{width}/1"], facts["rates"][f"{width}/2"]
        ratios = sorted(b / a for a, b in zip(one, two, strict=True))
        lines.append(
            f"| width {width} | {statistics.median(one):,.0f}/s | {statistics.median(two):,.0f}/s"
            f" | {statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) |"
        )
    note = f"{facts['repeats']} rounds on {facts['cores']} cores, files in the page cache;"
    note += f" load before {facts['load_before']:.1f}."
    return "\n".join([*lines, "", note]) + "\n"


def main() -> None:
    """Measure and write the facts; `benchmarks/bench_tables.py` writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="rounds, of which the median counts (5)")
    facts = measure(parser.parse_args().repeats)
    write_json(FACTS, facts)
    print(table(facts))


if __name__ == "__main__":
    main()
