"""Sums over the processes of one machine, through memory they share."""

from __future__ import annotations

import ctypes
import mmap
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from longhand.native.library import load

PATIENCE = 0.2
"""Seconds after which a waiting process looks whether the others are still there."""

_SIGNATURES = {"shared_sum_bytes": "nn", "shared_sum_give": "pnnnnp", "shared_sum_take": "pnnnpd"}
_TYPES: dict[str, Any] = {"n": ctypes.c_int64, "p": ctypes.c_void_p, "d": ctypes.c_double}


class SharedSum:
    """Adds up arrays of `n` float32 numbers over all processes, this one being number `rank`.

    All processes ask for the same sums in the same order. `gather` returns what each of them passes to it, in order, to
    all. The memory is gone with the last process, whatever becomes of them. Raises `RuntimeError` without the native
    library.
    """

    def __init__(self, rank: int, n: int, gather: Callable[[Any], list[Any]]) -> None:
        library = load()
        if library is None:
            raise RuntimeError("there is no native library")
        size_of, self._give, self._take = (_bind(library, name) for name in _SIGNATURES)
        self.rank, self.n, self.round = rank, n, 0
        self.pids: list[int] = gather(os.getpid())
        self.world = len(self.pids)
        size = size_of(self.world, n)
        handle, path = tempfile.mkstemp(prefix="longhand-", dir=_folder()) if rank == 0 else (-1, "")
        if rank == 0:
            os.truncate(handle, size)
        path = gather(path)[0]
        if rank != 0:
            handle = os.open(path, os.O_RDWR)
        self._memory = mmap.mmap(handle, size)
        os.close(handle)
        gather("open")
        if rank == 0:
            Path(path).unlink()  # everybody has it open
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))

    def sum_(self, address: int) -> None:
        """Replace the array at `address` by its sum over all processes, added in their order.

        Raises `RuntimeError` if a process is gone.
        """
        self.round += 1
        self._give(self._address, self.rank, self.world, self.round, self.n, address)
        while not self._take(self._address, self.world, self.round, self.n, address, PATIENCE):
            for pid in self.pids:
                if not _is_alive(pid):
                    raise RuntimeError(f"process {pid}, which trains with this one, is gone")


def _folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # memory without a disk behind it


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()  # dead, but not yet buried by its parent
    except OSError:
        return True


def _bind(library: ctypes.CDLL, name: str) -> Callable[..., int]:
    function = library[name]
    function.restype = ctypes.c_int64
    function.argtypes = [_TYPES[letter] for letter in _SIGNATURES[name]]
    return function
