"""The other end of a worker: starts one, asks it, and says what went wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Any, Self

from longhand.bench.contenders.registry import INSTALL, Contender
from longhand.bench.machine import ONE_THREAD


class ContenderError(Exception):
    """A contender could not do what was asked; the message is one line for its row of the table."""


class WorkerProcess:
    """A contender's process; `send` and `receive` are apart so that several can get ready at the same time."""

    def __init__(self, contender: Contender, core: int | None = None) -> None:
        self.contender = contender
        self.versions: dict[str, str] = {}
        self.failure: str | None = None
        self._started = False
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed by `close`
        offline = {"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "longhand.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            encoding="utf-8",
            env={**os.environ, **ONE_THREAD, **offline, **contender.environment},
        )
        self.send(do="start", contender=contender.to_dict(), core=core)

    def send(self, **command: Any) -> None:
        """Write a command; raises `ContenderError` if the process has ended."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise self._ended() from error

    def receive(self) -> dict[str, Any]:
        """Read the answer to the oldest command not yet answered; raises `ContenderError` where it is a failure."""
        if not self._started:
            self._started = True
            self.versions = self._read()["versions"]
        return self._read()

    def ask(self, **command: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self.send(**command)
        return self.receive()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:
                continue

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        reply: dict[str, Any] = json.loads(line)
        if "missing" in reply:
            self.failure = INSTALL
            raise ContenderError(f"{INSTALL} (there is no {reply['missing']})")
        if "error" in reply:
            raise ContenderError(f"failed: {reply['error']}")
        return reply

    def _ended(self) -> ContenderError:
        code = self._process.wait()
        self._said.seek(0)
        words = self._said.read().strip().splitlines()
        reason = words[-1] if words else ("killed (out of memory?)" if code == -9 else f"exit code {code}")
        self.failure = f"failed: {reason}"
        return ContenderError(self.failure)
