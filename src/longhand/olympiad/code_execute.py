"""Runs the Python that a sample wrote, within limits, to see whether it really prints the answer.

A process of its own with no environment to speak of, an empty folder, and limits on time, memory, output and files.
It and all its descendants are ended, those that went into a session of their own too. This keeps accidents away
(endless loops, memory, processes left behind, secrets in the environment); it is no wall against an attacker, who can
still read what the user who runs this can read. Linux only.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from longhand.errors import UserError
from longhand.olympiad.answers.same import same
from longhand.olympiad.votes import Candidate

_BLOCK = re.compile(r"^[ \t]*```[ \t]*(?:python|py|python3)[ \t]*\n(?P<code>.*?)^[ \t]*```", re.M | re.S | re.I)
_KEPT = 20_000  # characters of output
_GRACE = 5.0  # seconds the supervisor has for ending everything


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use: seconds of the clock, bytes of memory in each process, bytes of each file it writes."""

    seconds: float = 10.0
    memory: int = 1 << 30
    file_size: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended, and the end of what it printed and of its error output."""

    outcome: Literal["finished", "failed", "out of time"]
    output: str
    errors: str

    @property
    def last_line(self) -> str:
        """The last line it printed that is not empty, or nothing."""
        return next((line.strip() for line in reversed(self.output.splitlines()) if line.strip()), "")


def last_block(text: str) -> str | None:
    """The last closed block of a text that is marked as Python."""
    blocks = [match["code"] for match in _BLOCK.finditer(text)]
    return blocks[-1] if blocks else None


def run_python(code: str, limits: Limits = Limits()) -> Ran:
    """Run a program and wait for its end, at most `limits.seconds`. Raises `UserError` where there is no Linux."""
    if not sys.platform.startswith("linux"):
        raise UserError(f"programs are run within limits on Linux only, and this is {sys.platform}")
    with tempfile.TemporaryDirectory(prefix="longhand-run-") as folder:
        home = Path(folder)
        (home / "program.py").write_text(code, encoding="utf-8", errors="replace")
        asked = json.dumps([limits.seconds, limits.memory, limits.file_size])
        # -I: neither PYTHON* variables nor the folder of this process decide what is imported.
        supervisor = [sys.executable, "-I", "-c", _SUPERVISOR, asked]
        environment = {"PATH": "/usr/bin:/bin", "HOME": folder, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(
                supervisor, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                start_new_session=True, timeout=limits.seconds + _GRACE, check=False,
            )  # fmt: skip
            status = done.stdout.strip()
        except subprocess.TimeoutExpired:
            status = "out of time"
        output, errors = _end_of(home / "output"), _end_of(home / "errors")
    if status == "0":
        return Ran("finished", output, errors)
    return Ran("out of time" if status == "out of time" else "failed", output, errors)


def _end_of(path: Path) -> str:
    """The end of a file that a program may have replaced by anything."""
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _KEPT))
        return file.read().decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class CodeExecute:
    """A verifier: the last Python of a candidate's text, run again, prints the candidate's answer on its last line.

    A candidate without a program passes if `without_code`.
    """

    limits: Limits = Limits()
    without_code: bool = True

    def __call__(self, problem: str, candidate: Candidate) -> bool:
        """Whether what is printed is the answer."""
        code = last_block(candidate.text)
        if code is None:
            return self.without_code
        ran = run_python(code, self.limits)
        return ran.outcome == "finished" and ran.last_line != "" and same(ran.last_line, str(candidate.answer))


# Runs by itself, in the folder of the program. Orphans become children of the nearest "subreaper", which it makes
# itself, so that whatever the program started is found below it and can be ended, however it was detached.
_SUPERVISOR = r"""
import ctypes, json, os, resource, signal, sys, time

seconds, memory, file_size = json.loads(sys.argv[1])
PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG = 36, 1
prctl = ctypes.CDLL(None).prctl
prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

def limit(which, value):
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))

child = os.fork()
if child == 0:
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.dup2(os.open("output", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), 1)
    os.dup2(os.open("errors", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), 2)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_AS, memory)
    limit(resource.RLIMIT_FSIZE, file_size)
    limit(resource.RLIMIT_NOFILE, 64)
    limit(resource.RLIMIT_CPU, int(seconds) + 1)
    os.execv(sys.executable, [sys.executable, "-I", "program.py"])

def below(root):
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    state, parent = file.read().rpartition(b")")[2].split()[:2]
            except OSError:
                continue
            parents[int(name)] = int(parent), state
    found, grown = {root}, True
    while grown:
        more = {pid for pid, (parent, state) in parents.items() if parent in found and pid not in found}
        grown, found = bool(more), found | more
    return [pid for pid in found - {root} if parents[pid][1] != b"Z"]

end, status = time.monotonic() + seconds, "out of time"
while time.monotonic() < end:
    pid, how = os.waitpid(child, os.WNOHANG)
    if pid == child:
        status = str(os.waitstatus_to_exitcode(how))
        break
    time.sleep(0.005)
while left := below(os.getpid()):
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    time.sleep(0.002)
print(status)
"""
