"""A million requests over 64 connections while versions are promoted, every answer compared with the offline solver.

    python benchmarks/serving/million.py
    python benchmarks/serving/million.py --requests 100000

Two versions of a model lie in a registry: the shipped one, and one whose weights were disturbed so that it errs here
and there. A server follows the alias that is moved from one to the other and back, again and again. Of each response
is asked: is it to the request that was sent (its id, its equation), which version says it wrote it, and is it, letter
for letter, what that version's solver writes offline? The facts go to docs/results/serving_million.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from client import Load, ask, request
from processes import LONGHAND, resident_mib, serving
from tables import FACTS, machine, write_tables

from longhand.atomic import write_json
from longhand.registry.aliases import promote
from longhand.registry.push import push
from longhand.registry.store import Store, open_store
from longhand.runs.checkpoint import load_checkpoint, save_checkpoint
from longhand.shipped import model_path
from longhand.solvers.load import load

CONNECTIONS = 64
DISTURBANCE = 0.3
"""Of the spread of each matrix."""


def disturbed(folder: Path) -> Path:
    """A copy of the shipped model that errs here and there."""
    checkpoint = load_checkpoint(model_path("add-sub-3"))
    noise = np.random.default_rng(0)
    weights = {
        name: (array + DISTURBANCE * array.std() * noise.standard_normal(array.shape)).astype(array.dtype)
        for name, array in checkpoint.weights.items()
    }
    save_checkpoint(folder, replace(checkpoint, weights=weights, metrics={}))
    return folder


def equations(n: int, seed: int) -> list[str]:
    """Different problems of the model's domain, in no order."""
    domain = load_checkpoint(model_path("add-sub-3")).domain
    assert domain is not None
    problems = [f"{problem.expression}=" for problem in domain]
    return random.Random(seed).sample(problems, n)


async def ask_all(port: int, asked: list[str], expected: dict[str, dict[str, str]], store: Store) -> dict[str, Any]:
    """Ask every equation once, while the alias moves; what was found."""
    found, by_version, switches = Load(), dict.fromkeys(expected, 0), 0
    answered = [0] * len(asked)
    places: Iterator[int] = iter(range(len(asked)))
    done = asyncio.Event()

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for place in places:
            equation = asked[place]
            body = json.dumps({"equation": equation}).encode()
            started = perf_counter()
            answer = await ask(reader, writer, request("/predict", body, f"x-request-id: {place}\r\n"))
            found.seconds.append(perf_counter() - started)
            found.count(answer.status)
            said = json.loads(answer.body) if answer.status == 200 else {}
            version = answer.header(b"x-model").decode()
            same = answer.header(b"x-request-id") == str(place).encode() and said.get("equation") == equation
            if not same or version not in expected or said["predicted_answer"] != expected[version][equation]:
                found.wrong.append(f"{equation} {answer.status} {version} {answer.body[:200]!r}")
                continue
            answered[place] += 1
            by_version[version] += 1
        writer.close()

    async def promotions() -> None:
        nonlocal switches
        while not done.is_set():
            try:
                await asyncio.wait_for(done.wait(), 5)
            except TimeoutError:
                switches += 1
                await asyncio.to_thread(promote, store, "adder", 1 + switches % 2)

    started = perf_counter()
    moving = asyncio.create_task(promotions())
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    found.took = perf_counter() - started
    done.set()
    await moving
    return {
        "requests": len(asked),
        "connections": CONNECTIONS,
        "statuses": {str(status): n for status, n in sorted(found.statuses.items())},
        "wrong": len(found.wrong),
        "examples_of_wrong": found.wrong[:5],
        "not_answered_once": sum(n != 1 for n in answered),
        "promotions": switches,
        "by_version": by_version,
        "rate": found.rate,
        "p50_ms": found.quantile(0.5),
        "p99_ms": found.quantile(0.99),
        "seconds": found.took,
    }


def main() -> None:
    """Ask, and write down what came back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--port", type=int, default=8766)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    asked = equations(arguments.requests, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "registry")
        models = [model_path("add-sub-3"), disturbed(Path(folder) / "disturbed")]
        expected = {}
        for version, model in enumerate(models, 1):
            push(store, model, "adder")
            completions = load(model).solve(asked)
            expected[f"adder:{version}"] = {c.prompt: c.text if c.answer is None else c.answer for c in completions}
        differing = sum(expected["adder:1"][each] != expected["adder:2"][each] for each in asked)
        promote(store, "adder", 1)
        options = ("adder@production", "--registry", str(store.root), "--poll-seconds", "0.2")
        with serving(LONGHAND, arguments.port, *options) as process:
            before = resident_mib(process)
            facts = asyncio.run(ask_all(arguments.port, asked, expected, store))
            facts |= {"differing": differing, "mib_before": before, "mib_after": resident_mib(process)}
    print(json.dumps(facts, indent=1))
    write_json(FACTS / "serving_million.json", {"machine": machine(), **facts})
    write_tables()


if __name__ == "__main__":
    main()
