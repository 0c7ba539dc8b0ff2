"""Our server beside the code of system 002 itself, on the same machine, asked by the same client.

    git clone https://github.com/aliivaezii/math-llm-poc /tmp/poc
    python benchmarks/serving/beside_poc.py /tmp/poc

Each server is one process with one torch thread. They are asked in turn, round after round; ratios are those of the
rounds. 002 does not bound what it is asked; both get sums and differences of three digits, and its answers are
compared with nothing. The facts go to docs/results/serving_poc.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from client import load, speeds
from processes import LONGHAND, serving
from tables import FACTS, machine, write_tables
from throughput import equations, right

from longhand.atomic import write_json

USERS = (1, 8, 32)


def main() -> None:
    """Measure, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("poc", type=Path, help="a checkout of math-llm-poc with artifacts/model.pt")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--port", type=int, default=8769)
    arguments = parser.parse_args()
    theirs = (sys.executable, "-m", "uvicorn", "src.api:app", "--no-access-log")
    rows = []
    with (
        serving(theirs, arguments.port, ready="/health", folder=arguments.poc),
        serving(LONGHAND, arguments.port + 1, "add-sub-3"),
    ):
        for users in USERS:
            found: dict[str, list[Any]] = {"theirs": [], "ours": []}
            for turn in range(arguments.rounds):
                for name, port, n in (("theirs", arguments.port, 300), ("ours", arguments.port + 1, 6000)):
                    check = right if name == "ours" else None
                    asked = islice(equations(turn), n // (1 if users > 1 else 3))
                    found[name].append(asyncio.run(load(port, users, asked, check=check)))
                    assert found[name][-1].statuses.keys() == {200}, found[name][-1].statuses
                    assert not found[name][-1].wrong
            row: dict[str, Any] = {
                "users": users,
                "ratios": [a.rate / b.rate for a, b in zip(found["ours"], found["theirs"], strict=True)],
            }
            row |= {name: speeds(loads) for name, loads in found.items()}
            rows.append(row)
            print(json.dumps(row), flush=True)
    write_json(FACTS / "serving_poc.json", {"machine": machine(), "rounds": arguments.rounds, "rows": rows})
    write_tables()


if __name__ == "__main__":
    main()
