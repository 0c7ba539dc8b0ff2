"""How fast a server answers beside a route of its own that does nothing, and one request alone.

    python benchmarks/serving/throughput.py
    python benchmarks/serving/throughput.py --requests 5000 --rounds 3

Server and client are a process each, on the same machine. In each round the two routes are asked in turn, over the same
number of connections, and the server writes its line per request as it does by default; ratios are those of the rounds.
Facts go to docs/results/serving.json, the table into docs/results.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from client import Load, load, speeds
from processes import WITH_NOOP, serving
from tables import FACTS, machine, write_tables

from longhand.atomic import write_json

CONNECTIONS = (1, 8, 32, 64)


def equations(seed: int) -> Iterator[str]:
    """Problems of the default model, drawn evenly from its operands."""
    rng = random.Random(seed)
    while True:
        a, b = rng.randrange(1000), rng.randrange(1000)
        yield f"{a}+{b}=" if rng.random() < 0.5 else f"{max(a, b)}-{min(a, b)}="


def right(equation: str, body: dict[str, Any]) -> bool:
    """Whether an answer is the exact one."""
    a, b = map(int, equation[:-1].replace("-", "+").split("+"))
    return body["equation"] == equation and body["predicted_answer"] == str(a + b if "+" in equation else a - b)


def measure(port: int, requests: int, rounds: int) -> list[dict[str, Any]]:
    """Rows of the table: both routes at each number of connections."""
    rows = []
    for connections in CONNECTIONS:
        n = max(200, requests if connections > 1 else requests // 4)
        found: dict[str, list[Load]] = {"/noop": [], "/predict": []}
        for turn in range(rounds):
            for path, loads in found.items():
                asked = islice(equations(turn), n)
                check = right if path == "/predict" else None
                loads.append(asyncio.run(load(port, connections, asked, path=path, check=check)))
                assert not loads[-1].wrong, loads[-1].wrong[:3]
        ratios = [p.rate / q.rate for p, q in zip(found["/predict"], found["/noop"], strict=True)]
        row: dict[str, Any] = {"connections": connections, "requests": n, "ratios": ratios}
        row |= {path: speeds(loads) for path, loads in found.items()}
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--port", type=int, default=8765)
    arguments = parser.parse_args()
    with serving(WITH_NOOP, arguments.port, "--log"):
        rows = measure(arguments.port, arguments.requests, arguments.rounds)
    write_json(FACTS / "serving.json", {"machine": machine(), "rounds": arguments.rounds, "rows": rows})
    write_tables()


if __name__ == "__main__":
    main()
