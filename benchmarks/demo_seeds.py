"""From nothing to proof: run a demo with several seeds, and write its table into README.md and docs/results.md.

    python benchmarks/demo_seeds.py demo              # five seeds, one after another
    python benchmarks/demo_seeds.py four --seeds 3 4  # two more; those that are there stay
    python benchmarks/demo_seeds.py ops-llama2 --seeds 0

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
RESULTS = ROOT / "docs" / "results.md"
ARCHITECTURES = ("ops-gpt2", "ops-llama2", "ops-mixtral")  # their runs make one table
PAGES = {"demo": (ROOT / "README.md", RESULTS), **dict.fromkeys(("add", "add-think", "four"), (RESULTS,))}
FAILURES_KEPT = 100


def measure(name: str, seeds: list[int], keep: Path | None = None) -> None:
    """Run the demo named `name` with each seed; write down after each what the runs came to, and on which machine."""
    path = FACTS / f"{name}.json"
    facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"runs": []}
    for seed in seeds:
        load_before = os.getloadavg()[0]
        with TemporaryDirectory() as folder:
            run = (keep or Path(folder)) / f"{name}-{seed}"
            command = [sys.executable, "-m", "longhand", "demo", "--config", name, "--seed", str(seed)]
            started = perf_counter()
            done = subprocess.run([*command, "--output-dir", str(run)], check=False)
            seconds = perf_counter() - started
            assert done.returncode in (0, 1), done.returncode
            row = {"seed": seed, "exit_code": done.returncode, "seconds": round(seconds, 2), "load_before": load_before}
            row |= facts_of(run)
        runs = [*(other for other in facts["runs"] if other["seed"] != seed), row]
        facts = {
            "machine": f"{processor()}, {os.cpu_count()} cores",
            "load_before": facts.get("load_before", load_before),
            "runs": sorted(runs, key=lambda run: run["seed"]),
        }
        write_json(path, facts)


def facts_of(run: Path) -> dict[str, Any]:
    """Return what a finished run says of itself."""
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    training = json.loads((run / "model" / "training.json").read_text(encoding="utf-8"))
    config = json.loads((run / "model" / "config.json").read_text(encoding="utf-8"))
    failures = (run / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    return {
        "total": report["total"],
        "errors": report["errors"],
        "by_operator": report["by_operator"],
        "by_answer_length": report["by_answer_length"],
        "cot_step_accuracy": report.get("cot_step_accuracy"),
        "failures": [json.loads(line) for line in failures[:FAILURES_KEPT]],
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
    operators = [o for o in runs[0].get("by_operator", {}) if len(runs[0]["by_operator"]) > 2]
    columns = ["seed", "right", "of", "wrong", *(f"wrong {SIGNS[o]}" for o in operators)]
    columns += ["training", "sweep", "whole command"]
    lines = [f"| {' | '.join(columns)} |", f"|{'--:|' * len(columns)}"]
    for run in runs:
        cells = [str(run["seed"]), f"{run['total'] - run['errors']:,}", f"{run['total']:,}", str(run["errors"])]
        cells += [str(_wrong(run["by_operator"][o])) for o in operators]
        cells += [f"{run[key]:.1f} s" for key in ("train_seconds", "sweep_seconds", "seconds")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{_what(runs)} One run per seed on {_where(facts)}\n"])


def table_of_architectures(facts: dict[str, dict[str, Any]]) -> str:
    """Return one table of the runs of several architectures on the same problems."""
    lengths = sorted({length for each in facts.values() for length in each["runs"][0]["by_answer_length"]}, key=int)
    columns = ["configuration", "seed", "parameters", *SIGNS.values()]
    columns += [f"answers of {length}" for length in lengths] + ["wrong", "of", "steps right", "training", "sweep"]
    lines = [f"| {' | '.join(columns)} |", f"|---|{'--:|' * (len(columns) - 1)}"]
    for name, each in facts.items():
        for run in each["runs"]:
            cells = [name, str(run["seed"]), f"{run['parameters']:,}"]
            cells += [_percent(run["by_operator"][o]) for o in SIGNS]
            cells += [_percent(run["by_answer_length"][length]) for length in lengths]
            cells += [f"{run['errors']:,}", f"{run['total']:,}", f"{run['cot_step_accuracy']:.4%}"]
            cells += [f"{run[key]:.0f} s" for key in ("train_seconds", "sweep_seconds")]
            lines.append(f"| {' | '.join(cells)} |")
    engines = ", ".join(f"{name} {each['runs'][0]['engine']}" for name, each in facts.items())
    return "\n".join([*lines, "", f"Engines: {engines}. {_where(next(iter(facts.values())))}\n"])


SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷"}


def _wrong(share: dict[str, Any]) -> int:
    wrong: int = share["total"] - share["correct"]
    return wrong


def _percent(share: dict[str, Any]) -> str:
    """Percent, cut off and not rounded, so that 100 % means all."""
    return "100 %" if not _wrong(share) else f"{share['correct'] * 10_000 // share['total'] / 100:.2f} %"


def _what(runs: list[dict[str, Any]]) -> str:
    first = runs[0]
    return (
        f"{first['parameters']:,} parameters, {first['examples']:,} examples drawn from"
        f" {first['share_trained_on']:.2%} of the domain, {first['precision']} products in training and fp32 in the"
        f" sweep, engine {first['engine']}."
    )


def _where(facts: dict[str, Any]) -> str:
    first = facts["runs"][0]
    versions = first["versions"]
    return (
        f"{facts['machine']} ({first['processes']} processes, one thread each), torch {versions['torch']},"
        f" Python {versions['python']}; load before the first run {facts['load_before']:.1f}."
    )


def write_tables() -> None:
    """Put each table between its marks in every page that has it."""
    for name, pages in PAGES.items():
        for page in pages:
            replace_table(page, name, table(_facts(name)))
    measured = {name: _facts(name) for name in ARCHITECTURES if (FACTS / f"{name}.json").exists()}
    replace_table(RESULTS, "architectures", table_of_architectures(measured))


def _facts(name: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((FACTS / f"{name}.json").read_text(encoding="utf-8"))
    return facts


def replace_table(page: Path, name: str, text: str) -> None:
    """Write a table between the marks that bear its name."""
    between = re.compile(rf"(<!-- {name} table -->\n).*?(<!-- end of {name} table -->)", flags=re.DOTALL)
    new, found = between.subn(lambda match: match.group(1) + text + match.group(2), page.read_text(encoding="utf-8"))
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
    parser.add_argument("name", nargs="?", choices=sorted([*PAGES, *ARCHITECTURES]), help="the configuration to run")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=list(range(5)), metavar="N", help="which seeds (0 to 4)"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the runs in this folder")
    arguments = parser.parse_args()
    if arguments.name:
        measure(arguments.name, arguments.seeds, arguments.keep)
    write_tables()


if __name__ == "__main__":
    main()
