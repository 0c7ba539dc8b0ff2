"""How fast a model of two layers of width 64 is asked: by teacher forcing, by decoding, one prompt at a time.

    python benchmarks/bench_solvers.py [--repeats 3] [--output-file solvers.json]

The weights are random: what is written does not matter for the time of a step. Every figure is the best of the
repeats, with one thread, in problems per second of wall time and of processor time (which other work on the machine
disturbs less).
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from longhand.arithmetic.domain import Domain
from longhand.data.arrays import domain_arrays
from longhand.data.encode import encode_arrays
from longhand.evaluation.evaluate import CHUNK
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

FORMATS = {
    "as people write": Format(),
    "padded, answer reversed": Format(operand_width=3, answer_width=4, reverse_answer=True),
}
MODEL = ModelConfig(name="gpt2", d_model=64, n_heads=4, n_layers=2, d_ff=256, max_seq_len=16, tie_weights=False)
DOMAIN = Domain()
STARTS = range(0, DOMAIN.size, DOMAIN.size // 8)  # chunks from all over the domain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="runs per figure, of which the best counts (3)")
    parser.add_argument("--output-file", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {"threads": 1, "torch": torch.__version__, "python": platform.python_version()}
    for name, format in FORMATS.items():
        results |= measure(name, format, arguments.repeats)
    for name, figures in results.items():
        shown = "  ".join(f"{k} {v:>9,.0f}" for k, v in figures.items()) if isinstance(figures, dict) else figures
        print(f"{name:<52} {shown}")
    if arguments.output_file:
        arguments.output_file.write_text(json.dumps(results, indent=2) + "\n")


def measure(name: str, format: Format, repeats: int) -> dict[str, dict[str, float]]:
    words = vocabulary("unified")
    solver = AutoregressiveSolver(build_model(MODEL, len(words), seed=0), words, format, DOMAIN)

    def settle() -> None:
        for start in STARTS:
            rows = encode_arrays(domain_arrays(DOMAIN, start, start + CHUNK), format, words)
            solver.exact_rows(rows.ids, rows.prompt_lengths, rows.lengths)

    prompts = [f"{problem}=" for problem in domain_arrays(DOMAIN, 300_000, 300_000 + 2048).problems()]
    settled = sum(min(CHUNK, DOMAIN.size - start) for start in STARTS)
    return {
        f"{name}: teacher forcing": _rates(settle, settled, repeats),
        f"{name}: decoding 5 tokens, batches of 1024": _rates(
            lambda: solver.solve(prompts, max_new_tokens=5), len(prompts), repeats
        ),
        f"{name}: decoding 5 tokens, one prompt at a time": _rates(
            lambda: [solver.solve([prompt], max_new_tokens=5) for prompt in prompts[:64]], 64, repeats
        ),
        f"{name}: beam 4, 5 tokens": _rates(lambda: solver.solve(prompts, beam=4, max_new_tokens=5), 2048, repeats),
    }


def _rates(work: Callable[[], object], n: int, repeats: int) -> dict[str, float]:
    walls, processors = [], []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return {"per second": n / min(walls), "per second of processor": n / min(processors)}


if __name__ == "__main__":
    main()
