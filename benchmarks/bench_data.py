"""How fast problems become token ids, and training batches: one core, no model.

    python benchmarks/bench_data.py [--repeats 5] [--output-file data.json]

Every figure is the best of the repeats, in wall time of one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from longhand.arithmetic.domain import Domain
from longhand.data.arrays import domain_arrays, sample_arrays
from longhand.data.config import DataConfig
from longhand.data.encode import encode_arrays
from longhand.data.keyed import keyed_generator
from longhand.data.keys import keys_hash
from longhand.data.stream import TrainStream
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

FORMATS = {
    "expression": Format(),
    "reversed, padded": Format(operand_width=3, answer_width=4, reverse_answer=True),
    "spaced": Format(style="spaced"),
    "question": Format(style="question"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="runs per figure, of which the best counts (5)")
    parser.add_argument("--output-file", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    results = measure(arguments.repeats)
    for name, value in results.items():
        print(f"{name:<58} {value:>14,.2f}" if isinstance(value, float) else f"{name:<58} {value:>14}")
    if arguments.output_file:
        arguments.output_file.write_text(json.dumps(results, indent=2) + "\n")


def measure(repeats: int) -> dict[str, Any]:
    domain, speller = Domain(), vocabulary("unified")
    arrays = domain_arrays(domain)
    n, million = len(arrays), 1e6
    results: dict[str, Any] = {"threads": 1, "numpy": np.__version__, "python": platform.python_version()}
    results["problems"] = n

    def rate(work: Callable[[], object]) -> float:
        return n / best(work, repeats) / million

    results["enumerate, million problems/s"] = rate(lambda: domain_arrays(domain))
    results["sample, million problems/s"] = rate(lambda: sample_arrays(domain, keyed_generator(0), n))
    results["hash by family key, million problems/s"] = rate(lambda: keys_hash(arrays, 0, True))
    for name, format in FORMATS.items():
        results[f"encode {name}, million problems/s"] = rate(lambda f=format: encode_arrays(arrays, f, speller))
    results["enumerate and encode, million problems/s"] = rate(
        lambda: encode_arrays(domain_arrays(domain), Format(), speller)
    )
    five = Domain(operators=("+", "-", "*"), n_operands=5, max_operand=99, negatives="allow")
    chains = sample_arrays(five, keyed_generator(1), n)
    results["encode 5 operands, million problems/s"] = rate(lambda: encode_arrays(chains, Format(), speller))
    config = DataConfig(mixture={"uniform": 0.5, "cascade": 0.25, "short": 0.25})
    large = DataConfig.model_validate({"mixture": config.mixture, "domain": {"max_operand": 99_999}})
    for name, data in (("table, 0..999", config), ("sampled, 0..99999", large)):
        results[f"open stream ({name}), s"] = best(lambda d=data: open_stream(d), repeats)
        stream, steps = open_stream(data), count()
        seconds = best(lambda s=stream, i=steps: s.batch(next(i)), 10 * repeats)
        results[f"batch of 1024 ({name}), ms"] = 1000 * seconds
    return results


def open_stream(config: DataConfig) -> TrainStream:
    return TrainStream(config, Format(), vocabulary("unified"), batch_size=1024)


def best(work: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
