"""A solver in a process of its own, with a deadline and a limit of memory: whatever it does, it can be ended."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["done", "error", "late", "loading", "died", "memory", "flood"]
"""How an attempt ended: by itself, with an exception, at its deadline, before it began, or with its process."""

MOST_CANDIDATES = 10_000
_BETWEEN_WEIGHINGS = 0.1
_LONGEST_LINE = 1_000_000


class WorkerProcess:
    """Runs what `load` ("module:function", called with `arguments`) returns: `attempt(problem, seconds)`.

    The process starts with the first `attempt` and loads for up to `load_seconds`, over several problems if need be. It
    is ended when an attempt is late, when it and what it started hold more than `memory_bytes` (counted where there is
    a /proc), or when this process ends, in whatever way; the next attempt starts another.
    """

    def __init__(
        self,
        load: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        memory_bytes: int | None = None,
        load_seconds: float = 900.0,
    ) -> None:
        self._command = [sys.executable, "-m", "longhand.olympiad.contest.worker", load, json.dumps(arguments or {})]
        self._memory_bytes, self._load_seconds = memory_bytes, load_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._started = 0.0
        self._received = b""
        self._weight, self._weighed_at = 0, 0.0
        self.failed_loads = 0
        """How often in a row the solver could not be loaded."""

    def load(self, until: float) -> None:
        """Load the solver now, and wait for it until `until` (of `time.monotonic`); after that it goes on loading."""
        self._prepare(until)

    def attempt(self, problem: str, seconds: float, until: float) -> tuple[list[Any], Outcome, str | None]:
        """Candidates that came before `until` (of `time.monotonic`), how it ended, and the error if there was one.

        A solver is told at most `seconds`, less if it had to be loaded first.
        """
        found: list[Any] = []
        prepared, reason = self._prepare(until)
        if prepared != "done":
            return found, prepared, reason
        left = min(seconds, max(0.0, until - time.monotonic()))
        unheard = self._ask({"problem": problem, "seconds": left}, until)
        if unheard is not None:
            return found, unheard, self._end()
        while True:
            message, outcome = self._receive(until)
            if message is None:
                return found, outcome, self._end()
            if "end" in message:
                return found, "error" if message["end"] else "done", message["end"]
            found.append(message["candidate"])
            if len(found) >= MOST_CANDIDATES:
                return found, "flood", self._end()

    def close(self) -> None:
        """End the process; another attempt would start another."""
        self._end()

    def _start(self) -> None:
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        self._received, self._ready, self._started = b"", False, time.monotonic()
        self._weight = 0
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)

    def _prepare(self, until: float) -> tuple[Outcome, str | None]:
        """Wait until the solver is loaded or the problem's time is over; in that case it goes on loading."""
        if self._process is None:
            self._start()
        if self._ready:
            return "done", None
        give_up = self._started + self._load_seconds
        message, outcome = self._receive(min(until, give_up))
        if message is not None and "ready" in message:
            self._ready, self.failed_loads = True, 0
            return "done", None
        if outcome == "late" and time.monotonic() < give_up:
            return "loading", None
        self.failed_loads += 1
        status = self._end()
        return (outcome, status) if message is None else ("error", message["failed"])

    def _ask(self, request: dict[str, Any], until: float) -> Outcome | None:
        """Hand over a request; why that was not possible, if it was not: a process that hangs need not read either."""
        assert self._process is not None
        assert self._process.stdin is not None
        message = json.dumps(request).encode() + b"\n"
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdin, selectors.EVENT_WRITE)
            while message:
                left = until - time.monotonic()
                if left <= 0 or not selector.select(left):
                    return "late"
                try:
                    message = message[os.write(self._process.stdin.fileno(), message) :]
                except OSError:
                    return "died"
        return None

    def _receive(self, until: float) -> tuple[dict[str, Any] | None, Outcome]:
        """The next message, or None and why there is none."""
        assert self._process is not None
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._received:
                if len(self._received) > _LONGEST_LINE:
                    return None, "flood"
                left = until - time.monotonic()
                if left <= 0:
                    return None, "late"
                if self._memory_bytes is not None:
                    if self._weigh() > self._memory_bytes:
                        return None, "memory"
                    left = min(left, _BETWEEN_WEIGHINGS)
                if selector.select(left):
                    piece = os.read(self._process.stdout.fileno(), 65536)
                    if not piece:
                        return None, "died"
                    self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        try:
            message: dict[str, Any] = json.loads(line)
        except ValueError:  # the solver has found our pipe
            return None, "died"
        return message, "done"

    def _weigh(self) -> int:
        """Bytes that the process and what it started hold, as of a moment ago."""
        assert self._process is not None
        if time.monotonic() > self._weighed_at + _BETWEEN_WEIGHINGS:
            self._weight, self._weighed_at = group_memory(self._process.pid), time.monotonic()
        return self._weight

    def _end(self) -> str | None:
        """End the process and all it started; its exit status if it had ended by itself."""
        process, self._process, self._ready = self._process, None, False
        if process is None:
            return None
        status = process.poll()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what could not be written to it is lost with it
                assert pipe is not None
                pipe.close()
        return None if status is None else f"exit status {status}"


def group_memory(group: int) -> int:
    """Bytes that the processes of a group hold in memory; 0 where the system does not say (no /proc)."""
    pages = 0
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            # After the name, which may hold anything: state, parent, group, …
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[2]) == group:
                pages += int(fields[21])
    return pages * os.sysconf("SC_PAGE_SIZE")
