"""A contender's own process: `python -m longhand.bench.worker`, told what to do in lines of JSON.

Each contender lives in a process of its own, so that imports, memory and settings do not mix, and all of them live at
the same time, so that they can be measured in turn. One that is not being asked waits for its next line and costs
nothing. Every line in is a command with the key `do`, every line out its answer:

    {"do": "start", "contender": {...}, "core": 1}         -> {"versions": {"torch": "2.13.0"}}
    {"do": "open", "job": "a", "kind": "train", "spec": {}} -> {} or {"missing": "lightning"}
    {"do": "warm", "job": "a", "seconds": 0.5}              -> {"steps": 40, "seconds": 0.5}
    {"do": "run", "job": "a", "steps": 40}                  -> {"steps": 40, "wall": 0.5, "cpu": 0.5, "each": []}
    {"do": "answers", "job": "a"}                           -> {"answers": [[3, 5, 2]]}
    {"do": "close", "job": "a"}                             -> {"peak_memory": 310000000}

`open` may be followed by further ones; the peak of memory counts from the last `open`. A command that fails answers
`{"error": "one line"}`. The end of the input ends the process. What libraries print goes to standard error.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

from longhand.bench.contenders.registry import Contender
from longhand.bench.spec import KINDS, DecodeSpec, SweepSpec

PACKAGES = ("longhand", "torch", "numpy", "transformers", "accelerate", "lightning")

Reply = dict[str, Any]


class Worker:
    """Opens jobs of one contender and runs them."""

    def __init__(self) -> None:
        self.contender: Contender | None = None
        self.core: int | None = None
        self.jobs: dict[str, Callable[[int], Any]] = {}
        self.answers: dict[str, Callable[[], list[list[int]]]] = {}

    def handle(self, command: Mapping[str, Any]) -> Reply:
        """Do what a command says; what it raises becomes an answer."""
        known: dict[str, Callable[..., Reply]] = {
            "start": self.start,
            "open": self.open,
            "warm": self.warm,
            "run": self.run,
            "answers": self.answer,
            "close": self.close,
        }
        arguments = {key: value for key, value in command.items() if key != "do"}
        try:
            return known[command["do"]](**arguments)
        except ImportError as error:
            # Only a package that is not there is an answer; one that is there and broken is an error like any other.
            return {"missing": error.name or str(error).strip().splitlines()[0]}
        except Exception as error:
            return {"error": f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}"}

    def start(self, contender: dict[str, Any], core: int | None = None) -> Reply:
        """Become the worker of this contender, which is to compute on this core only, once it has been opened."""
        self.contender, self.core = Contender(**contender), core
        return {"versions": _versions()}

    def open(self, job: str, kind: str, spec: dict[str, Any]) -> Reply:
        """Build what the spec says, as far as its first step."""
        assert self.contender is not None
        value = KINDS[kind](**spec)
        _forget_the_past()
        opener = self.contender.opener(kind)
        settings = {} if self.contender.module.endswith(".py") else {"precision": self.contender.precision}
        opened = opener(value, **settings)
        if isinstance(value, DecodeSpec):
            prompts = value.prompts
            self.answers[job] = lambda: [[int(token) for token in row] for row in opened(prompts)]
            self.jobs[job] = _repeated(lambda: opened(prompts))
        else:
            self.jobs[job] = opened
        return {"once": isinstance(value, SweepSpec)}  # too long to be repeated for warming up

    def warm(self, job: str, seconds: float) -> Reply:
        """Run a step, then more and more of them until they last a third of `seconds`; returns what the last did."""
        if self.core is not None:
            _stay_on(self.core)
        run, steps = self.jobs[job], 1
        began = perf_counter()
        result = run(1)
        if perf_counter() - began < seconds:
            while True:
                began = perf_counter()
                result = run(steps)
                if perf_counter() - began >= seconds / 3:
                    break
                steps *= 2
        return {
            "steps": steps,
            "seconds": perf_counter() - began,
            "result": result if isinstance(result, float) else None,
        }

    def run(self, job: str, steps: int, each: bool = False) -> Reply:
        """Run so many steps; `each` asks for the seconds of every one of them, too."""
        run, singles = self.jobs[job], []
        cpu, wall = _cpu_seconds(), perf_counter()
        if each:
            before = wall
            for _ in range(steps):
                run(1)
                now = perf_counter()
                singles.append(now - before)
                before = now
        else:
            run(steps)
        return {"steps": steps, "wall": perf_counter() - wall, "cpu": _cpu_seconds() - cpu, "each": singles}

    def answer(self, job: str) -> Reply:
        """The ids the job writes after each of its prompts."""
        return {"answers": self.answers[job]()}

    def close(self, job: str) -> Reply:
        """Drop a job; returns the most memory that was resident since it was opened, in bytes."""
        peak = _peak_memory()
        self.jobs.pop(job, None)
        self.answers.pop(job, None)
        return {"peak_memory": peak}


def _repeated(ask: Callable[[], object]) -> Callable[[int], None]:
    def run(steps: int) -> None:
        for _ in range(steps):
            ask()

    return run


def _stay_on(core: int) -> None:
    """Move every thread there is to this core; those to come follow the thread that starts them."""
    if hasattr(os, "sched_setaffinity"):
        for thread in Path("/proc/self/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def _cpu_seconds() -> float:
    """Processor time of this process, all its threads, and the processes it started that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _forget_the_past() -> None:
    """Give back memory that earlier jobs no longer need and let its peak be counted anew, where Linux lets us."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except (OSError, AttributeError):
        return


def _peak_memory() -> int:
    """The most memory resident at a time, in bytes, in this process or in one that it started."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _MAXRSS_UNIT
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return max(children, int(status.split("VmHWM:")[1].split()[0]) * 1024)
    except (OSError, IndexError):
        return max(children, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT)


_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Answer commands until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the process that asked
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # a library that prints must not talk into the answers
    worker = Worker()
    for line in sys.stdin:
        replies.write(json.dumps(worker.handle(json.loads(line))) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
