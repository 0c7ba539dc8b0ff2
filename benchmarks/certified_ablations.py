"""What of a proved adder is given and what is learned: the same training with something taken away.

    python benchmarks/certified_ablations.py               # every seed and row that is not there yet
    python benchmarks/certified_ablations.py --seeds 0

Every row is configs/certified-add.yaml but for what it names, one process and one thread. Seen are the windows of all
rows of all batches that were drawn. Facts are kept in docs/results/ablations.json, the table in docs/certificates.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from demo_seeds import processor, replace_table
from longhand.atomic import write_json
from longhand.certify.network_check import quick_margins
from longhand.certify.rules.registry import windows_of
from longhand.models.build import build_model
from longhand.models.slot_attention import WindowedDecoder
from longhand.shipped import config_path
from longhand.text.layouts.registry import layout
from longhand.training.loop import train
from longhand.training.proof import network_of
from longhand.training.run_config import RunConfig, load_run_config
from longhand.training.setup import open_data

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results" / "ablations.json"
PAGE = ROOT / "docs" / "certificates.md"
UNTRAINED = "weights as they begin"
ROWS: Mapping[str, Mapping[str, str]] = {
    UNTRAINED: {},
    "slot biases frozen at 0": {"training.freeze": "[blocks.*.attention.slot_bias]"},
    "100 problems": {"data.train_fraction": "1.0e-4"},
    "300 problems": {"data.train_fraction": "3.0e-4"},
    "1,000 problems": {"data.train_fraction": "1.0e-3"},
    "3,000 problems": {"data.train_fraction": "3.0e-3"},
    "10,000 problems": {"data.train_fraction": "1.0e-2"},
    "as it is": {},
}


def measure(name: str, seed: int) -> dict[str, Any]:
    """Train one row with a seed; how many windows were seen, and after how many the model is wrong."""
    config = load_run_config(config_path("certified-add"), {**ROWS[name], "training.seed": str(seed)})
    if name == UNTRAINED:
        model = build_model(config.model, len(layout("sum").vocabulary), seed=seed)
        assert isinstance(model, WindowedDecoder)
        margins = quick_margins(network_of(model), windows_of("sum"))
        return {"seed": seed, "steps": 0, "problems": 0, "seen": 0, "wrong": int((margins <= 0).sum())}
    with TemporaryDirectory() as folder:
        result = train(config, Path(folder) / "run")
    description = open_data(config)[2]
    return {
        "seed": seed,
        "steps": result.steps,
        "problems": description["problems_trained_on"],
        "seen": seen(config, result.steps),
        "wrong": int(result.last["wrong_windows"]),
    }


def seen(config: RunConfig, steps: int) -> int:
    """How many different windows the batches of so many steps hold."""
    stream = open_data(config)[0]
    rows = {
        ids[real].tobytes()
        for batch in map(stream.batch, range(steps))
        for ids, real in zip(batch.input_ids, batch.attention_mask, strict=True)
    }
    read = layout("sum")
    return len({window for row in rows for window in read.windows(np.frombuffer(row, dtype=np.int64).tolist())})


def table(facts: dict[str, Any]) -> str:
    """One line per row, the medians of its seeds."""
    total = len(windows_of("sum"))
    lines = ["| training | problems | windows seen | windows wrong | share right |", "|---|--:|--:|--:|--:|"]
    for name in ROWS:
        runs = facts["rows"].get(name, [])
        problems, shown, wrong = (median(run[key] for run in runs) for key in ("problems", "seen", "wrong"))
        each = ", ".join(f"{run['wrong']:,}" for run in runs)
        cells = [name, f"{problems:,.0f}", f"{shown / total:.1%}", each, f"{1 - wrong / total:.2%}"]
        lines.append(f"| {' | '.join(cells)} |")
    seeds = max(len(runs) for runs in facts["rows"].values())
    end = f"Of {total:,} windows. {seeds} seeds each, seen and right their median; one core of {facts['machine']}."
    return "\n".join([*lines, "", f"{end}\n"])


def main() -> None:
    """Measure what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N", help="seeds (0 to 2)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    facts = json.loads(FACTS.read_text(encoding="utf-8")) if FACTS.exists() else {"rows": {}}
    for seed in arguments.seeds:
        for name in ROWS:
            runs = facts["rows"].setdefault(name, [])
            if all(run["seed"] != seed for run in runs):
                runs.append(measure(name, seed))
                print(name, runs[-1], flush=True)
                write_json(FACTS, {**facts, "machine": processor()})
    replace_table(PAGE, "ablations", table({**facts, "machine": processor()}))


if __name__ == "__main__":
    main()
