"""A program that takes part, run as the host runs it: a process of its own, asked by a gateway outside."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from longhand.errors import UserError
from longhand.olympiad.contest.contract import ADDRESS, CALL_SECONDS, RERUN, START_SECONDS, SUBMISSION
from longhand.olympiad.contest.gateway import Asked, ask_all, read_problems, write_submission
from longhand.olympiad.contest.transport import connect, new_address


def run_program(
    command: Sequence[str],
    csv: Path,
    *,
    out: Path = Path(SUBMISSION),
    private: bool = False,
    start_seconds: float = START_SECONDS,
    seconds: float = CALL_SECONDS,
    environ: Mapping[str, str] = os.environ,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Asked:
    """Start `command` with the variable that marks the hidden run, ask it every problem of `csv`, and write `out`.

    The program and what it started are ended afterwards, also when something fails. Raises `UserError` for a csv that
    cannot be asked and a program that cannot be started, and `InvalidSubmissionError`; nothing is written then.
    """
    problems = read_problems(csv)
    with new_address() as address:
        program = _start(command, {**environ, RERUN: "1", ADDRESS: address})
        patience = 0.0
        try:
            with connect(address, start_seconds, lambda: _status(program)) as connection:
                asked = ask_all(
                    problems,
                    connection,
                    private=private,
                    seconds=seconds,
                    told=told,
                    gone=lambda: _status_soon(program),
                )
            patience = 2.0
        finally:
            _end(program, patience)
    write_submission(asked.answers, out)
    return asked


def _start(command: Sequence[str], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, env=environ, start_new_session=True)
    except OSError as error:
        raise UserError(f"cannot start {command[0]}: {error.strerror or error}") from error


def _status(program: subprocess.Popen[bytes]) -> str | None:
    status = program.poll()
    return None if status is None else f"the program ended (exit status {status})"


def _status_soon(program: subprocess.Popen[bytes]) -> str:
    with suppress(subprocess.TimeoutExpired):
        program.wait(1)  # its connection ends a moment before it does
    return _status(program) or "the server ended"


def _end(program: subprocess.Popen[bytes], patience: float) -> None:
    """End a program and all it started; it has so many seconds to do so itself."""
    with suppress(subprocess.TimeoutExpired):
        program.wait(patience)
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()
