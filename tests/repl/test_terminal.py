"""Sessions in a real pseudo-terminal: shades, history, Ctrl-C and Ctrl-D."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PROGRAM = """
from longhand.arithmetic.domain import Domain
from longhand.repl.session import run_session
from longhand.solvers.oracle import Oracle
from longhand.text.formats import Format
from longhand.text.presets import vocabulary
run_session(Oracle(Domain(operators=("+",), max_operand=99), Format(steps="columns"), vocabulary("cot16")))
"""
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_PATIENCE = 20.0


class Terminal:
    """The keyboard and the screen of a program that believes to be alone with a user."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self.descriptor, self.process, self.raw = descriptor, process, ""

    def type(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())

    def wait_for(self, text: str, *, after: str = "") -> None:
        """Read until `text` has appeared, after the last `after`."""
        deadline = time.monotonic() + _PATIENCE
        while text not in self.screen.rpartition(after)[2] if after else text not in self.screen:
            assert time.monotonic() < deadline, f"{text!r} never appeared in {self.screen!r}"
            self._read()

    def exit_code(self, press: str = "") -> int:
        """Wait for the end of the program, pressing a key whenever nothing happens."""
        deadline = last_seen = time.monotonic()
        deadline += _PATIENCE
        shown = len(self.raw)
        while self._read():
            now = time.monotonic()
            assert now < deadline, f"still there, with {self.screen!r}"
            if len(self.raw) > shown:
                shown, last_seen = len(self.raw), now
            elif press and now - last_seen > 1:
                self.type(press)
                last_seen = now
        return self.process.wait(_PATIENCE)

    @property
    def screen(self) -> str:
        return _ESCAPE.sub("", self.raw).replace("\r", "")

    def _read(self) -> bool:
        ready, _, _ = select.select([self.descriptor], [], [], 0.5)
        if not ready:
            return self.process.poll() is None
        try:
            data = os.read(self.descriptor, 4096)
        except OSError:  # Linux says that nobody is at the other end any more
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)


@contextmanager
def terminal(state: Path, **environment: str) -> Iterator[Terminal]:
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (40, 120))
    inherited = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLORTERM")}
    settings = {**inherited, "TERM": "xterm-256color", "XDG_STATE_HOME": str(state), **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], stdin=child, stdout=child, stderr=child, env=settings, start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(child)
    try:
        yield Terminal(parent, process)
    finally:
        process.kill()
        process.wait()
        os.close(parent)


@pytest.mark.row("S0-I2", "S0-I3")
def test_a_session_in_a_terminal_has_shades_a_history_and_ends_with_control_d(tmp_path: Path) -> None:
    with terminal(tmp_path) as first:
        first.wait_for("Enter expression:")
        first.type("99+21=\n")
        first.wait_for("Verdict: right")
        assert "✨ Model output: 99+21=<think>9+1=10 9+2+1=12</think>120<end>" in first.screen
        assert "✅ Answer: 99+21=120" in first.screen
        assert "How sure the model is of a token:" in first.screen
        assert "\x1b[38;5;255;48;5;233m<think>" in first.raw
        first.wait_for("Enter expression:", after="Verdict")
        first.type("\x04")
        assert first.exit_code() == 0
    assert (tmp_path / "longhand" / "repl_history").read_text() == "99+21=\n"
    with terminal(tmp_path) as second:
        second.wait_for("Enter expression:")
        second.type("\x1b[A\n")  # arrow up: the line of the session before
        second.wait_for("Verdict: right")
        assert "Answer: 99+21=120" in second.screen
        second.wait_for("Enter expression:", after="Verdict")
        second.type("quit\n")
        assert second.exit_code() == 0


@pytest.mark.row("S0-I2")
def test_control_c_ends_the_session_and_colours_can_be_turned_off(tmp_path: Path) -> None:
    (tmp_path / "longhand").write_text("a file, so that no history can be kept")
    with terminal(tmp_path, NO_COLOR="1") as session:
        session.wait_for("Enter expression:")
        session.type("12+3=\n")
        session.wait_for("Verdict: right")
        assert "48;5" not in session.raw
        assert "How sure" not in session.screen
        session.wait_for("Enter expression:", after="Verdict")
        session.type("1")
        session.wait_for("Enter expression: 1", after="Verdict")  # the line is being read: Ctrl-C reaches its reader
        time.sleep(0.2)  # a signal that arrives between two waits of Python's readline is noticed with the next key
        session.type("\x03")
        assert session.exit_code(press="\x03") == 0
    assert "Traceback" not in session.screen
