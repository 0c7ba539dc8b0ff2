"""Training to the proof: run a certified configuration with several seeds, and write the table into docs/results.md.

    python benchmarks/certified_seeds.py certified-add               # five seeds, one after another
    python benchmarks/certified_seeds.py certified-four --seeds 0    # those that are there stay

Each seed is one `longhand train --until-certified` from nothing, in one process with one thread. Its seconds are those
of the processor, start of the program and certificate included; the independent check is timed after it. Without a name
the table is only written again, from the facts in docs/results/certified.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from demo_seeds import processor, replace_table
from longhand.atomic import write_json

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results" / "certified.json"
PAGE = ROOT / "docs" / "results.md"
NAMES = tuple(f"certified-{name}" for name in ("add", "signed", "product", "division", "compare", "four"))

Facts = dict[str, Any]


def measure(name: str, seed: int, keep: Path | None) -> Facts:
    """Train the configuration `name` with a seed until it is proved, and check the proof."""
    with TemporaryDirectory() as folder:
        run = (keep or Path(folder)) / f"{name}-{seed}"
        train = ("train", "--config", name, "--training.seed", str(seed), "--output-dir", str(run), "--until-certified")
        code, seconds = _timed("longhand", *train)
        results = json.loads((run / "results.json").read_text(encoding="utf-8"))
        facts: Facts = {
            "seed": seed,
            "proved": code == 0,
            "parameters": results["num_parameters"],
            "steps": results["steps"],
            "cpu_seconds": round(seconds, 1),
            "wrong_windows": results["last"]["wrong_windows"],
        }
        if code == 0:
            report = json.loads((run / "model" / "certificate.json").read_text(encoding="utf-8"))
            checked, check_seconds = _timed("longhand.certify.check", str(run / "model"))
            assert checked == 0, (name, seed)
            facts |= {
                "windows": report["windows"]["count"],
                "smallest_lead": report["margin"]["min"],
                "bound": report["rounding"]["max_bound"],
                "windows_drilled": report["train"]["windows_drilled"],
                "problems_trained_on": report["train"]["problems_trained_on"],
                "check_cpu_seconds": round(check_seconds, 1),
            }
        return facts


def _timed(module: str, *arguments: str) -> tuple[int, float]:
    """The exit code of a program, and the seconds of processor it and its children took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", module, *arguments], env={**os.environ, "OMP_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1), done.returncode
    return done.returncode, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def table(facts: Facts) -> str:
    """Return the Markdown table of the facts."""
    columns = ("configuration", "seed", "parameters", "windows", "wrong", "smallest lead", "bound on rounding")
    columns += ("steps", "windows drilled", "training and proof", "check")
    lines = [f"| {' | '.join(columns)} |", f"|---|{'--:|' * (len(columns) - 1)}"]
    for name in NAMES:
        for run in facts["runs"].get(name, []):
            cells = [name, str(run["seed"]), f"{run['parameters']:,}"]
            if run["proved"]:
                cells += [f"{run['windows']:,}", "0", f"{run['smallest_lead']:.2f}", f"{run['bound']:.1e}"]
                last = [
                    f"{run['windows_drilled']:,}",
                    f"{run['cpu_seconds']:.0f} s",
                    f"{run['check_cpu_seconds']:.1f} s",
                ]
            else:
                cells += ["", f"{run['wrong_windows']:,}", "", ""]
                last = ["", f"{run['cpu_seconds']:.0f} s", ""]
            cells += [f"{run['steps']:,}", *last]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"Seconds of one core of {facts['machine']}, one thread. One run per seed.\n"])


def main() -> None:
    """Measure if a configuration is named, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=NAMES, help="the configuration to run")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)), metavar="N", help="seeds (0 to 4)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the runs in this folder")
    arguments = parser.parse_args()
    facts: Facts = json.loads(FACTS.read_text(encoding="utf-8")) if FACTS.exists() else {"runs": {}}
    for seed in arguments.seeds if arguments.name else ():
        runs = facts["runs"].setdefault(arguments.name, [])
        run = measure(arguments.name, seed, arguments.keep)
        facts["runs"][arguments.name] = sorted(
            [*(other for other in runs if other["seed"] != seed), run], key=lambda run: run["seed"]
        )
        facts["machine"] = f"{processor()}, {os.cpu_count()} cores"
        write_json(FACTS, facts)
    replace_table(PAGE, "certified", table(facts))


if __name__ == "__main__":
    main()
