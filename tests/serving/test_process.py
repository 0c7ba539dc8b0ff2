"""`longhand serve` as people start it: a process, signals, workers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest


@contextmanager
def served(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], httpx2.Client]]:
    """A server on a port of its own, and a client of it once it is ready; the server has ended after the block."""
    command = [sys.executable, "-m", "longhand", "serve", "--port", "0", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        start_new_session=True,  # so that its workers end with it, whatever happened
    ) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            address = re.search(r"http://[0-9.:]+", first)
            assert address, first
            with httpx2.Client(base_url=address[0], timeout=60) as client:
                assert client.get("/ready").status_code == 200
                yield process, client
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def predict(client: httpx2.Client, a: int, b: int) -> str:
    response = client.post("/predict", json={"equation": f"{a}+{b}="})
    assert response.status_code == 200
    answer: str = response.json()["predicted_answer"]
    return answer


@pytest.mark.row("S2-A4")
def test_asked_to_end_it_first_is_not_ready_then_finishes_what_it_has_and_exits_with_0() -> None:
    with served("certified-add-3", "--not-ready-seconds", "2") as (process, client):
        answers: list[str] = []
        asking = threading.Thread(target=lambda: answers.extend(predict(client, a, 999) for a in range(20)))
        asking.start()
        while not answers:
            time.sleep(0.001)
        process.send_signal(signal.SIGTERM)
        while client.get("/ready").status_code == 200:
            time.sleep(0.005)
        assert predict(client, 1, 1) == "2"  # not ready for more, and yet answering
        asking.join()
        assert answers == [str(a + 999) for a in range(20)]
        client.close()
        assert process.wait(20) == 0


def test_a_worker_that_is_killed_comes_back() -> None:
    with served("certified-add-3", "--workers", "2") as (process, client):
        workers = children_of(process.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        end = time.monotonic() + 60
        while len(now := children_of(process.pid)) < 2 or workers[0] in now:
            assert time.monotonic() < end
            time.sleep(0.05)
        for a in range(20):
            with httpx2.Client(base_url=client.base_url, timeout=60) as fresh:
                assert predict(fresh, a, 1) == str(a + 1)
        client.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def children_of(pid: int) -> list[int]:
    """The serving processes among the children of a process."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:  # noqa: PTH123
        found = [int(child) for child in file.read().split()]
    return [child for child in found if b"spawn_main" in read_command(child)]


def read_command(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            return file.read()
    except FileNotFoundError:
        return b""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "99999"], "longhand: --port 99999: "),
        (["--rate-limit", "often"], "longhand: --rate-limit 'often' is no rate; give one such as 100/second"),
        (["adder@production", "--registry", "ftp://x"], "longhand: ftp://x cannot be a registry"),
        (["--max-queue", "0"], "longhand: --max-queue 0: "),
        (["--host", "no.such.host.invalid"], "longhand: cannot listen on no.such.host.invalid:8000"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("--port", str(port))
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use); choose another --port" in done.stderr


def run(*arguments: str) -> Any:
    return subprocess.run(
        [sys.executable, "-m", "longhand", "serve", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
