"""Time to proof: run a demo with several seeds, and write its table into README.md and docs/results.md.

    python benchmarks/demo_seeds.py demo            # five seeds, one after another
    python benchmarks/demo_seeds.py add --seeds 3

Each seed is one `longhand demo` from nothing, timed from outside: start of the program, training, sweep, pictures.
Without a name the tables are only written again, from the facts in docs/results/.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from longhand.atomic import write_json, write_text

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results"
PAGES = {"demo": (ROOT / "README.md", ROOT / "docs" / "results.md"), "add": (ROOT / "docs" / "results.md",)}


def measure(name: str, seeds: int) -> dict[str, Any]:
    """Run the demo named `name` with each seed; return what the runs came to, with the machine they ran on."""
    rows = []
    load_before = os.getloadavg()[0]
    for seed in range(seeds):
        with TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            command = [sys.executable, "-m", "longhand", "demo", "--config", name, "--seed", str(seed)]
            started = perf_counter()
            done = subprocess.run([*command, "--output-dir", str(run)], check=False)
            seconds = perf_counter() - started
            assert done.returncode in (0, 1), done.returncode
            rows.append({"seed": seed, "exit_code": done.returncode, "seconds": round(seconds, 2), **facts_of(run)})
    machine = f"{processor()}, {os.cpu_count()} cores"
    return {"machine": machine, "load_before": load_before, "runs": rows}


def facts_of(run: Path) -> dict[str, Any]:
    """Return what a finished run says of itself."""
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    training = json.loads((run / "model" / "training.json").read_text(encoding="utf-8"))
    config = json.loads((run / "model" / "config.json").read_text(encoding="utf-8"))
    return {
        "total": report["total"],
        "errors": report["errors"],
        "train_seconds": report["seconds_of_parts"]["train"],
        "sweep_seconds": report["seconds_of_parts"]["sweep"],
        "examples": training["examples"],
        "parameters": config["num_parameters"],
        "share_trained_on": training["data"]["share_trained_on"],
        **{key: training[key] for key in ("processes", "threads", "precision", "engine", "versions")},
    }


def table(facts: dict[str, Any]) -> str:
    """Return the Markdown table of the facts, with hardware, seeds and repeats under it."""
    runs = facts["runs"]
    lines = ["| seed | right | of | wrong | training | sweep | whole command |", "|--:|--:|--:|--:|--:|--:|--:|"]
    for run in runs:
        right = run["total"] - run["errors"]
        seconds = " | ".join(f"{run[key]:.1f} s" for key in ("train_seconds", "sweep_seconds", "seconds"))
        lines.append(f"| {run['seed']} | {right:,} | {run['total']:,} | {run['errors']:,} | {seconds} |")
    first = runs[0]
    versions = first["versions"]
    return "\n".join(
        [
            *lines,
            "",
            f"{first['parameters']:,} parameters, {first['examples']:,} examples drawn from"
            f" {first['share_trained_on']:.2%} of the domain, {first['precision']} products in training and fp32 in the"
            f" sweep, engine {first['engine']}. One run per seed on {facts['machine']} ({first['processes']} processes,"
            f" one thread each), torch {versions['torch']}, Python {versions['python']}; load before the first run"
            f" {facts['load_before']:.1f}.\n",
        ]
    )


def write_tables() -> None:
    """Put each table between its marks in every page that has it."""
    for name, pages in PAGES.items():
        text = table(json.loads((FACTS / f"{name}.json").read_text(encoding="utf-8")))
        between = re.compile(rf"(<!-- {name} table -->\n).*?(<!-- end of {name} table -->)", flags=re.DOTALL)
        for page in pages:
            old = page.read_text(encoding="utf-8")
            new, found = between.subn(lambda match, text=text: match.group(1) + text + match.group(2), old)
            assert found == 1, (page, name)
            write_text(page, new)


def processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        names = re.findall(r"^model name\s*:\s*(.*)$", text, flags=re.MULTILINE)
        return names[0] if names else platform.machine()
    except OSError:
        return platform.processor() or platform.machine()


def main() -> None:
    """Measure if a demo is named, then write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=sorted(PAGES), help="the configuration to run")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds, from 0 on (5)")
    arguments = parser.parse_args()
    if arguments.name:
        write_json(FACTS / f"{arguments.name}.json", measure(arguments.name, arguments.seeds))
    write_tables()


if __name__ == "__main__":
    main()
