"""What this process may use of the machine."""

from __future__ import annotations

import os


def available_cores() -> int:
    """The processor cores this process may run on (a container or `taskset` may grant fewer than there are)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
