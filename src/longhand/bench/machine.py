"""What a benchmark was run on."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

from longhand.runtime import available_cores

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""The environment in which a contender computes."""

_X86 = ("avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_bf16")
_ARM = ("asimd", "bf16", "sve", "sve2", "i8mm")


def describe_machine() -> dict[str, Any]:
    """Processor, the instruction sets that matter, cores, memory and thread settings, as JSON data."""
    info = _read("/proc/cpuinfo")
    flags = set(" ".join(re.findall(r"^(?:flags|Features)\s*:\s*(.*)$", info, flags=re.MULTILINE)[:1]).split())
    names = re.findall(r"^model name\s*:\s*(.*)$", info, flags=re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", _read("/proc/meminfo"), flags=re.MULTILINE)
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "instruction_sets": [flag for flag in _X86 + _ARM if flag in flags],
        "cores": os.cpu_count() or 1,
        "available_cores": available_cores(),
        "memory_bytes": int(memory[1]) * 1024 if memory else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "threads_per_contender": 1,
        "thread_settings": ONE_THREAD,
    }


def load_average() -> float | None:
    """Processes that wanted to run during the last minute, on average; None where the system does not say."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def one_core() -> int | None:
    """The core all contenders of a comparison share in turn: the last one this process may use.

    A contender that computes in one thread and prepares data in another would otherwise be given two cores. The
    first core of a machine is the one most often interrupted.
    """
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
