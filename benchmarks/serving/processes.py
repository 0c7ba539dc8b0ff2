"""Servers in processes of their own, for as long as somebody asks them."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

LONGHAND = (sys.executable, "-m", "longhand", "serve")
WITH_NOOP = (sys.executable, str(Path(__file__).with_name("server.py")))


@contextmanager
def serving(
    command: Sequence[str], port: int, *arguments: str, ready: str = "/ready", folder: Path | None = None
) -> Iterator[int]:
    """The process id of a server with one torch thread, that answers inside of the block. What it logs is dropped."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    whole = [*command, "--port", str(port), *arguments]
    with subprocess.Popen(
        whole, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd=folder
    ) as it:
        try:
            end = monotonic() + 60
            while not _answers(port, ready):
                assert it.poll() is None, f"{' '.join(whole)} ended with {it.returncode}"
                assert monotonic() < end, f"{' '.join(whole)} does not answer"
                sleep(0.02)
            yield it.pid
        finally:
            it.terminate()
            it.wait(60)


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
            return bool(response.status == 200)
    except OSError:
        return False


def resident_mib(process: int) -> float:
    """The memory of a process that is in use (MiB)."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
