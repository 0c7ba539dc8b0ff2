"""A trainer that owns its loop, made to take steps on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable


class StepGate:
    """Lets a loop in another thread take so many steps at a time; while it waits, nothing runs.

    A step lasts from one arrival at the gate to the next, with whatever the loop does in between. A loop that is no
    longer wanted stays at the gate, in a thread that does not keep the process alive.
    """

    def __init__(self) -> None:
        self._allowed = threading.Semaphore(0)
        self._idle = threading.Event()  # the loop stands at the gate with no step left to take, or has ended
        self._left = 0
        self._error: BaseException | None = None

    def start(self, loop: Callable[[], object]) -> None:
        """Run the loop in its thread as far as the gate."""

        def run() -> None:
            try:
                loop()
                raise RuntimeError("the training ended by itself")
            except BaseException as error:
                self._error = error
                self._idle.set()

        threading.Thread(target=run, daemon=True, name="trainer").start()

    def take(self, steps: int) -> None:
        """Let the loop take so many steps and wait for the last; raises what the loop raised."""
        self._idle.wait()
        if self._error is None:
            self._idle.clear()
            self._left = steps
            self._allowed.release(steps)
            self._idle.wait()
        if self._error is not None:
            raise self._error

    def wait(self) -> None:
        """Called by the loop before each step."""
        if self._left == 0:
            self._idle.set()
        self._allowed.acquire()
        self._left -= 1
