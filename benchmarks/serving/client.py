"""A client that costs little: HTTP/1.1 over kept connections, one request after the other on each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple


@dataclass
class Load:
    """What became of requests: seconds of each, how many of each status, and what was wrong."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    took: float = 0.0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.seconds) / self.took

    def quantile(self, share: float) -> float:
        """The time, in milliseconds, within which this share of the requests was answered."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    def count(self, status: int) -> None:
        """One response more."""
        self.statuses[status] = self.statuses.get(status, 0) + 1


def speeds(loads: Sequence[Load]) -> dict[str, float]:
    """Rate (requests per second) and quantiles of the time (ms): medians over rounds."""
    return {
        "rate": median(each.rate for each in loads),
        "p50_ms": median(each.quantile(0.5) for each in loads),
        "p99_ms": median(each.quantile(0.99) for each in loads),
    }


class Answer(NamedTuple):
    """A response as it came."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes:
        """The value of a header, whose name is given in lower case; empty if there is none."""
        for line in self.head.split(b"\r\n"):
            if line[: len(name) + 1].lower() == name + b":":
                return line[len(name) + 1 :].strip()
        return b""


def request(path: str, body: bytes, headers: str = "") -> bytes:
    """A POST of a JSON body as bytes; `headers` are whole lines."""
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"{head}\r\n{headers}\r\n".encode() + body


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> Answer:
    """Send one request and read its response."""
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    answer = Answer(int(head[9:12]), head, b"")
    return answer._replace(body=await reader.readexactly(int(answer.header(b"content-length"))))


async def load(
    port: int,
    connections: int,
    equations: Iterator[str],
    *,
    path: str = "/predict",
    check: Callable[[str, dict[str, Any]], bool] | None = None,
) -> Load:
    """Ask all `equations` over so many connections; answers that `check` finds wrong are kept."""
    found = Load()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for equation in equations:  # an iterator that all connections share: each equation is asked once
            message = request(path, b'{"equation":"' + equation.encode() + b'"}')
            started = perf_counter()
            status, _, body = await ask(reader, writer, message)
            found.seconds.append(perf_counter() - started)
            found.count(status)
            if check is not None and (status != 200 or not check(equation, json.loads(body))):
                found.wrong.append(f"{equation} {status} {body[:200]!r}")
        writer.close()

    started = perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    found.took = perf_counter() - started
    return found
