"""Ten times as many requests as a server can answer, for a minute.

    python benchmarks/serving/overload.py
    python benchmarks/serving/overload.py --seconds 10

The model is one whose answers take long (products of numbers of forty digits), so that one client can ask for more than
there is. First the capacity is measured: requests per second over as many connections as the queue is long. Then
requests come at ten times this rate, whether or not any was answered. Those that are served have to keep their
deadline, the others are told at once to come again, and afterwards a single request takes as long as before. The facts
go to docs/results/serving_overload.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import deque
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from client import Answer, Load, ask, request
from processes import LONGHAND, serving
from tables import FACTS, machine, write_tables

from longhand.atomic import write_json

MODEL, DIGITS = "certified-product-3", 40
DEADLINE_MS, QUEUE, BATCH = 2000, 32, 8
TIMES = 10
RNG = random.Random(3)


def problem() -> tuple[bytes, str]:
    """A body, and the answer to it."""
    a, b = (RNG.randrange(10 ** (DIGITS - 1), 10**DIGITS) for _ in range(2))
    return json.dumps({"equation": f"{a}*{b}="}).encode(), str(a * b)


class Pool:
    """Connections, opened when none is free."""

    def __init__(self, port: int) -> None:
        self.port, self.free = port, deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]]()

    async def ask(self) -> tuple[Answer, float, bool]:
        """The response to a problem, the seconds it took, and whether it is the right answer."""
        body, expected = problem()
        started = perf_counter()
        pair = self.free.popleft() if self.free else await asyncio.open_connection("127.0.0.1", self.port)
        answer = await ask(*pair, request("/predict", body))
        self.free.append(pair)
        right = answer.status == 200 and json.loads(answer.body)["predicted_answer"] == expected
        return answer, perf_counter() - started, right


async def alone(pool: Pool) -> float:
    """The median time of requests, in milliseconds, that nobody competes with."""
    return 1000 * median([(await pool.ask())[1] for _ in range(15)])


async def capacity(pool: Pool) -> float:
    """Requests per second, when the next is always there."""
    end = perf_counter() + 8
    done = 0

    async def one() -> None:
        nonlocal done
        while perf_counter() < end:
            answer, _, right = await pool.ask()
            assert right, answer
            done += 1

    started = perf_counter()
    await asyncio.gather(*(one() for _ in range(QUEUE)))
    return done / (perf_counter() - started)


async def overload(pool: Pool, rate: float, seconds: float) -> dict[str, Any]:
    """Ask at this rate for so long; what was found."""
    served, refused, wrong, without_time, lost = Load(), Load(), 0, 0, 0
    tasks: set[asyncio.Task[None]] = set()

    async def one() -> None:
        nonlocal wrong, without_time, lost
        try:
            answer, took, right = await pool.ask()
        except (EOFError, OSError):
            lost += 1
            return
        kind = served if answer.status == 200 else refused
        kind.count(answer.status)
        kind.seconds.append(took)
        wrong += answer.status == 200 and not right
        without_time += answer.status == 503 and not answer.header(b"retry-after")

    started = perf_counter()
    while (now := perf_counter() - started) < seconds:
        for _ in range(int(now * rate) - served_and_refused(served, refused) - lost - len(tasks)):
            task = asyncio.create_task(one())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)
    n = served_and_refused(served, refused) + lost
    return {
        "asked": n,
        "asked_per_second": n / seconds,
        "served": len(served.seconds),
        "served_per_second": len(served.seconds) / (perf_counter() - started),
        "refused": {str(status): times for status, times in sorted(refused.statuses.items())},
        "wrong": wrong,
        "lost": lost,
        "refused_without_retry_after": without_time,
        "served_p50_ms": served.quantile(0.5),
        "served_p99_ms": served.quantile(0.99),
        "served_longest_ms": served.quantile(1),
        "refused_p99_ms": refused.quantile(0.99),
    }


def served_and_refused(served: Load, refused: Load) -> int:
    """How many requests have been answered in one way or the other."""
    return len(served.seconds) + len(refused.seconds)


async def run(port: int, seconds: float) -> dict[str, Any]:
    """At capacity, alone, above capacity, and alone again."""
    pool = Pool(port)
    rate = await capacity(pool)  # first, as the solver remembers windows: the first problems take longer
    before = await alone(pool)
    facts = await overload(pool, TIMES * rate, seconds)
    return {"alone_before_ms": before, "capacity": rate, **facts, "alone_after_ms": await alone(pool)}


def main() -> None:
    """Measure, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--port", type=int, default=8768)
    arguments = parser.parse_args()
    limits = ("--deadline-ms", str(DEADLINE_MS), "--max-queue", str(QUEUE), "--max-batch", str(BATCH))
    with serving(LONGHAND, arguments.port, MODEL, *limits):
        facts = asyncio.run(run(arguments.port, arguments.seconds))
    settings = {"model": MODEL, "digits": DIGITS, "deadline_ms": DEADLINE_MS, "max_queue": QUEUE, "max_batch": BATCH}
    facts = {"machine": machine(), "seconds": arguments.seconds, **settings, **facts}
    print(json.dumps(facts, indent=1))
    write_json(FACTS / "serving_overload.json", facts)
    write_tables()


if __name__ == "__main__":
    main()
