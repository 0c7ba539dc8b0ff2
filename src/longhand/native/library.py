"""The compiled kernels, if there are any for this processor."""

from __future__ import annotations

import ctypes
import os
from functools import cache

from longhand.native.build import best_instruction_sets, library_path, sources_digest


@cache
def load() -> ctypes.CDLL | None:
    """The fastest library that this processor runs; None where there is none, see `status`."""
    return _find()[0]


@cache
def status() -> str:
    """One line on which kernels are in use, or why none are."""
    return _find()[1]


@cache
def _find() -> tuple[ctypes.CDLL | None, str]:
    if os.environ.get("LONGHAND_NATIVE") == "0":
        return None, "none (LONGHAND_NATIVE is 0)"
    digest = sources_digest()
    for kind in best_instruction_sets():
        path = library_path(kind)
        if not path.exists():
            continue
        try:
            library = ctypes.CDLL(str(path))
        except OSError as error:
            return None, f"none ({path.name} cannot be loaded: {error})"
        library.longhand_sources.restype = ctypes.c_char_p
        if library.longhand_sources().decode() != digest:
            return None, f"none ({path.name} was built from other sources; run python -m longhand.native.build)"
        return library, kind.name
    return None, "none (not compiled; with a C++ compiler, run python -m longhand.native.build)"
