"""A hundred thousand bodies that are no requests: what is answered, and what the server keeps of them.

    python benchmarks/serving/malformed.py

Bodies are bytes at random, JSON of other shapes, requests with a character changed, wrong encodings, deep nesting,
numbers that are none, bodies beyond the limit and content of other types, to `/predict` and `/v1/completions`. Every
answer has to be one of the documented refusals, and the memory of the server has to stay where it was. The facts go to
docs/results/serving_malformed.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))
from client import Load, ask, request
from processes import LONGHAND, resident_mib, serving
from tables import FACTS, machine, write_tables

from longhand.atomic import write_json

CONNECTIONS = 16
REFUSALS = {"/predict": {422, 413}, "/v1/completions": {422, 413, 404}}
NO_PROBLEMS = ["951+11", "9999+1=", "0951+11=", "５+９=", "5-9=", "1+=", "1++1=", "a+b=", "٣+٤=", "=", "1e3+1=", "1/0="]
RIGHT = {"/predict": {"equation": "951+11="}, "/v1/completions": {"prompt": "951+11=", "max_tokens": 8}}


def bodies(seed: int) -> Iterator[tuple[str, bytes]]:
    """Routes, and bodies that none of them may take."""
    rng = random.Random(seed)
    for turn in count():
        path = ("/predict", "/v1/completions")[turn % 2]
        right = json.dumps(RIGHT[path])
        name = next(iter(RIGHT[path]))
        match rng.randrange(9):
            case 0:
                yield path, rng.randbytes(rng.randrange(1, 300))
            case 1:
                yield path, right[: rng.randrange(len(right))].encode()
            case 2:
                value = rng.choice([None, 3, -1.5, True, {}, {"a": [1]}, [[]], "", [None], 10**400, float("nan")])
                yield path, json.dumps({name: value}).encode()
            case 3:
                yield path, json.dumps({name: rng.choice(NO_PROBLEMS), "n": 0}).encode()
            case 4:
                yield path, json.dumps(rng.choice([[], "951+11=", 962, None, {}, {"other": 1}])).encode()
            case 5:
                depth = rng.randrange(1, 3000)
                yield path, b'{"%b":' % name.encode() + b"[" * depth + b"]" * rng.randrange(depth + 1) + b"}"
            case 6:
                yield path, right.encode("utf-16")[rng.choice([1, 3]) :]
            case 7:
                half = rng.choice(["\\ud800", "\\udfff\\ud800", "\\u0000", "\\q", "\x00"])
                yield path, right.replace("951", half).encode()
            case _:
                yield path, b'{"%b": "' % name.encode() + b"9" * rng.randrange(66_000, 70_000) + b'+1="}'


async def ask_all(port: int, n: int, process: int) -> dict[str, object]:
    """Send `n` bodies; what was found."""
    found = Load()
    memory: list[float] = []
    shared = islice(bodies(1), n)
    looks = max(1, n // 20)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for path, body in shared:
            kind = "" if len(found.seconds) % 50 else "content-type: text/plain\r\n"
            started = perf_counter()
            answer = await ask(reader, writer, request(path, body, kind))
            found.seconds.append(perf_counter() - started)
            found.count(answer.status)
            if len(found.seconds) % looks == 0:
                memory.append(resident_mib(process))
            if answer.status not in REFUSALS[path]:
                found.wrong.append(f"{path} {answer.status} {body[:120]!r} {answer.body[:120]!r}")
            json.loads(answer.body)
            if answer.header(b"connection") == b"close":
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    started = perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    found.took = perf_counter() - started
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    after = await ask(reader, writer, request("/predict", json.dumps(RIGHT["/predict"]).encode()))
    writer.close()
    return {
        "bodies": n,
        "statuses": {str(status): times for status, times in sorted(found.statuses.items())},
        "wrong": len(found.wrong),
        "examples_of_wrong": found.wrong[:5],
        "answers_afterwards": after.status == 200,
        "mib": memory,
        "seconds": found.took,
    }


def main() -> None:
    """Send them, and write down what came back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=100_000)
    parser.add_argument("--port", type=int, default=8767)
    arguments = parser.parse_args()
    with serving(LONGHAND, arguments.port, "add-sub-3") as process:
        facts = asyncio.run(ask_all(arguments.port, arguments.bodies, process))
    print(json.dumps(facts, indent=1))
    write_json(FACTS / "serving_malformed.json", {"machine": machine(), **facts})
    write_tables()


if __name__ == "__main__":
    main()
