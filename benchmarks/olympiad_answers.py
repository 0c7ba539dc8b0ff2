"""How many answers a second are found in a text and read, on one core.

python benchmarks/olympiad_answers.py
LONGHAND_GSM8K=FOLDER python benchmarks/olympiad_answers.py     # the real rows of GSM8K too
"""

from __future__ import annotations

import json
import os
import random
import statistics
from collections.abc import Sequence
from pathlib import Path
from time import process_time

from longhand.olympiad.answers.extract import LENIENT, extract

N_TEXTS, N_ROUNDS = 5000, 7
FILLER = "We add 48 and 24, so that $x^{2} = 72$ and the rest follows as above.\n"


def texts() -> dict[str, list[str]]:
    """Texts of about four hundred characters by what their answer looks like."""
    draw = random.Random("olympiad answers")
    number = [draw.randrange(100_000) for _ in range(N_TEXTS)]
    steps = FILLER * 6
    kinds: dict[str, list[str]] = {
        "integer in a box": [f"{steps}So it is $\\boxed{{{n}}}$." for n in number],
        "fraction in a box": [f"{steps}It is $\\boxed{{\\dfrac{{{n}}}{{{n + 7}}}}}$." for n in number],
        "power and unit in a box": (
            [f"{steps}\\[\\boxed{{{n % 90 + 10} \\cdot 10^{{3}} \\text{{ cm}}^2}}\\]" for n in number]
        ),
        "integer behind ####": [f"{steps}#### {n:,}" for n in number],
        "phrase": [f"{steps}The answer is {n}." for n in number],
        "last number": [f"{steps}That leaves {n} of them." for n in number],
    }
    if folder := os.environ.get("LONGHAND_GSM8K"):
        rows = (Path(folder) / "train.jsonl").read_text(encoding="utf-8").splitlines()
        kinds["GSM8K"] = [json.loads(row)["answer"] for row in rows]
    return kinds


def rate(batch: Sequence[str]) -> float:
    """Answers a second of processor time, the median of some rounds; every one has to be a number."""
    rates = []
    for _ in range(N_ROUNDS):
        begin = process_time()
        for text in batch:
            found = extract(text, LENIENT)
            assert found is not None
            assert found.value is not None
        rates.append(len(batch) / (process_time() - begin))
    return statistics.median(rates)


def main() -> None:
    """Print a line for each kind of answer."""
    for kind, batch in texts().items():
        print(f"{kind:26} {rate(batch):>10,.0f} answers/s")


if __name__ == "__main__":
    main()
