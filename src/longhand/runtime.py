"""What this process may use of the machine, and how it starts others."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.context import BaseContext

_PRELOADED = (
    "longhand.worker_server",
    "longhand.training.start",
    "longhand.training.torch_backend",
    "longhand.evaluation.sweep",
    "longhand.solvers.autoregressive",
)


def torch_is_installed() -> bool:
    """Whether torch can be imported; if so, it has been."""
    try:
        import torch  # noqa: F401
    except ImportError:
        return False
    return True


def chosen_device(name: str) -> str:
    """The device a user asks for; `auto` is cuda where torch sees a device of that kind, else cpu."""
    if name != "auto":
        return name
    if not torch_is_installed():
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def is_worker() -> bool:
    """Whether this process was started by torchrun or its like, as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_main_process() -> bool:
    """Whether this process is the only one, or the first of those torchrun started."""
    return int(os.environ.get("RANK", "0")) == 0


def available_cores() -> int:
    """The processor cores this process may run on (a container or `taskset` may grant fewer than there are)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def start_method() -> str:
    """How worker processes start: forked from a server that has imported torch once, or afresh where there is none.

    Importing torch takes a second or two, for each of the processes that train and again for each that sweeps.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return "spawn"
    multiprocessing.set_forkserver_preload([*_PRELOADED])
    return "forkserver"


def worker_context() -> BaseContext:
    """The context in which to create worker processes; see `start_method`."""
    return multiprocessing.get_context(start_method())


def prepare_workers() -> None:
    """Let the server of the worker processes begin to import what they need, while this process does other things."""
    if start_method() == "forkserver":
        from multiprocessing.forkserver import ensure_running

        ensure_running()
