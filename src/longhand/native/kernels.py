"""The kernels of the training step as Python functions over raw pointers."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from longhand.native.library import load

_TYPES: dict[str, Any] = {"n": ctypes.c_int64, "p": ctypes.c_void_p, "f": ctypes.c_float, "d": ctypes.c_double}

# Results and arguments: n an integer, p the address of an array, f a float, d a double, - nothing.
_TYPED = {
    "add_norm": "-nnppppppfnpppp",
    "norm_backward": "-nnpppppnppppp",
    "activate_relu": "-nnppp",
    "activate_gelu": "-nnppp",
    "activate_swiglu": "-nnppp",
    "activate_relu_backward": "-nnppppp",
    "activate_gelu_backward": "-nnppppp",
    "activate_swiglu_backward": "-nnppppp",
    "attend": "-pppppp",
    "attend_backward": "-pppppp" + "ppn" + "ppn" + "nnnn",
    "cross_entropy": "dnnnppppf",
}
_UNTYPED = {
    "plan_rows": "nnnnnnppppppp",
    "add_rows": "-nnppp",
    "embed": "-nnppppp",
    "add_bfloat16": "-npp",
    "round_to_bfloat16": "-npp",
    "find_leads": "-nnpppp",
}


class AttentionShape(ctypes.Structure):
    """Sizes and strides (in elements) of one call of the attention kernels."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("batch", "time", "heads", "kv_heads", "width")),
        *((name, ctypes.c_int64) for name in ("q_stride", "kv_stride", "out_stride")),
        ("scale", ctypes.c_float),
    )


class AttentionIndex(ctypes.Structure):
    """Addresses of the tables that say which row holds the query, key and output of each token."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in ("query", "key", "output", "first", "length", "cos", "sin"))


class Kernels:
    """The kernels for one type of activations, `float32` or `bfloat16`, as attributes; raises without a library."""

    def __init__(self, dtype: str) -> None:
        library = load()
        if library is None:
            raise RuntimeError("there is no native library; see longhand.native.library.status()")
        for name, signature in _TYPED.items():
            setattr(self, name, _bind(library, f"{name}_{dtype}", signature))
        for name, signature in _UNTYPED.items():
            setattr(self, name, _bind(library, name, signature))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(f"there is no kernel {name!r}")


def _bind(library: ctypes.CDLL, name: str, signature: str) -> Callable[..., Any]:
    function = library[name]  # a new object each time: its types are ours alone
    function.restype = _TYPES.get(signature[0])
    function.argtypes = [_TYPES[letter] for letter in signature[1:]]
    return function
