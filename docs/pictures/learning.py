"""Draw the README's picture: exact match over all pairs of operands while the demo's model learns.

    longhand train --config demo --output-dir runs/learning --processes 2 --training.save_top_k 100 \
        --training.save_metric val_loss --training.eval_interval 25 --training.max_steps 1000 \
        --training.learning_rate 4e-3 --training.betas "[0.9, 0.98]" --training.weight_decay 0 \
        --training.ema_decay null --data.mixture "{uniform: 0.5, cascade: 0.25, short: 0.25}"
    python docs/pictures/learning.py runs/learning

The first command, a shorter run than the demo's own, keeps a checkpoint every 25 steps. The second asks each of six of
them one problem in ten of the whole domain (the last one every problem), and writes `learning.json` and `learning.png`
beside this file. Without an argument it draws the picture again from `learning.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from longhand.atomic import write_text
from longhand.plots.domain_map import domain_map
from longhand.plots.style import save

HERE = Path(__file__).parent
STEPS = (100, 150, 200, 250, 350, 1000)
BLOCK = 20  # operands per side of one coloured block
STRIDE = 10


def measure(run: Path) -> dict[str, Any]:
    """Return the right and asked problems per block, per operator and checkpoint."""
    from longhand.data.arrays import domain_arrays
    from longhand.data.encode import encode_arrays
    from longhand.evaluation.operand_map import operand_maps
    from longhand.solvers.load import load

    panels = []
    for step in STEPS:
        solver = load(run / "checkpoints" / f"step_{step:08d}")
        assert solver.domain is not None
        problems = domain_arrays(solver.domain)
        if step != STEPS[-1]:
            rows = np.random.default_rng(step).permutation(len(problems))[: len(problems) // STRIDE]
            problems = problems.take(np.sort(rows))
        tokens = encode_arrays(problems, solver.format, solver.vocabulary)
        right = solver.exact_rows(tokens.ids, tokens.prompt_lengths, tokens.lengths)
        for found in operand_maps(solver.domain, problems, right, block=BLOCK):
            counts = {"right": found.right.ravel().tolist(), "asked": found.asked.ravel().tolist()}
            panels.append({"step": step, "operator": found.operator, "max_operand": found.high, **counts})
        print(f"step {step}: {right.mean():.4%} right of {len(right):,}")
    return {"block": BLOCK, "panels": panels}


def draw(measured: dict[str, Any]) -> None:
    """Write `learning.png` from the counts."""
    operators = list(dict.fromkeys(panel["operator"] for panel in measured["panels"]))
    panels = []
    for panel in measured["panels"]:
        right, asked = np.array(panel["right"], dtype=float), np.array(panel["asked"], dtype=float)
        side = int(np.sqrt(len(asked)))
        with np.errstate(invalid="ignore"):
            share = (right / asked).reshape(side, side)
        total = right.sum() / asked.sum()
        spelled = "100 %" if right.sum() == asked.sum() else f"{np.floor(total * 1000) / 10:.1f} %"
        sign = panel["operator"].replace("-", "−")
        panels.append(
            {
                "title": f"step {panel['step']}:  a {sign} b  {spelled}",
                "share": share,
                "max_operand": panel["max_operand"],
                "row": operators.index(panel["operator"]),
            }
        )
    save(domain_map(panels), HERE / "learning.png")


def main() -> None:
    """Measure if a run is given, then draw."""
    if len(sys.argv) > 1:
        write_text(HERE / "learning.json", json.dumps(measure(Path(sys.argv[1]))) + "\n")
    draw(json.loads((HERE / "learning.json").read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
