"""Greedy decoding of a batch in one call."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from longhand.native.library import load

Floats = NDArray[np.float32]

_MLPS = ("relu", "gelu", "swiglu")
_INTEGERS = ("d_model", "n_heads", "n_kv_heads", "head_width", "d_ff", "n_layers", "vocab_size", "max_seq_len")


class _Sizes(ctypes.Structure):
    _fields_ = (*((name, ctypes.c_int64) for name in (*_INTEGERS, "is_rms", "mlp")), ("eps", ctypes.c_float))


_OF_LAYER = tuple(
    name for matrix in ("norm1", "qkv", "out", "norm2", "up", "down") for name in (matrix, f"{matrix}_bias")
)
_OF_MODEL = ("tokens", "positions", "cos", "sin", "norm", "norm_bias", "head")


class _LayerWeights(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in _OF_LAYER)


class _Weights(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in _OF_MODEL)


class NativeDecoder:
    """A copy of a model's weights, packed for decoding on one core.

    `sizes` has d_model, n_heads, n_kv_heads, d_ff, n_layers, vocab_size, max_seq_len, norm, mlp and eps. `weights` has,
    as float32 arrays or None, `tokens` [vocab, d_model], `positions` [max_seq_len, d_model], `cos` and `sin`
    [max_seq_len, head width], `norm`, `norm_bias` and `head`; each of `layers` has norm1, qkv, out, norm2, up and down
    and their biases, where `up` of a swiglu is the gate above the up matrix. Raises `RuntimeError` without the native
    library, and `ValueError` for bfloat16 with an odd number of channels.
    """

    def __init__(
        self,
        sizes: Mapping[str, Any],
        weights: Mapping[str, Floats | None],
        layers: Sequence[Mapping[str, Floats | None]],
        dtype: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        library = load()
        if library is None:
            raise RuntimeError("there is no native library")
        if dtype == "bfloat16" and (sizes["d_model"] % 2 or sizes["d_ff"] % 2):
            raise ValueError("bfloat16 numbers are multiplied in pairs: d_model and d_ff have to be even")
        self.vocab_size, self.max_seq_len = int(sizes["vocab_size"]), int(sizes["max_seq_len"])
        new = _bind(library, "decoder_new", ctypes.c_void_p, "pppn")
        self._delete = _bind(library, "decoder_delete", None, "p")
        self._decode = _bind(library, "decoder_decode", None, "pnnppnnppp")
        given = _Sizes(
            **{name: sizes[name] for name in _INTEGERS if name != "head_width"},
            head_width=sizes["d_model"] // sizes["n_heads"],
            is_rms=int(sizes["norm"] == "rmsnorm"),
            mlp=_MLPS.index(sizes["mlp"]),
            eps=sizes["eps"],
        )
        kept: list[Floats] = []  # alive until the weights are copied

        def addresses(names: Sequence[str], arrays: Mapping[str, Floats | None]) -> dict[str, int]:
            found = {}
            for name in names:
                array = arrays.get(name)
                if array is not None:
                    kept.append(np.ascontiguousarray(array, dtype=np.float32))
                    found[name] = kept[-1].ctypes.data
            return found

        of_model = _Weights(**addresses(_OF_MODEL, weights))
        of_layers = (_LayerWeights * len(layers))(*(_LayerWeights(**addresses(_OF_LAYER, layer)) for layer in layers))
        self._handle = new(
            ctypes.addressof(given), ctypes.addressof(of_model), ctypes.addressof(of_layers), int(dtype == "bfloat16")
        )

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._delete(self._handle)

    def decode(
        self, prompts: Sequence[Sequence[int]], limit: int, eos_id: int
    ) -> tuple[list[tuple[int, ...]], list[tuple[float, ...]]]:
        """Continue every prompt with its likeliest token, the first of equals, up to `limit` tokens or `eos_id`.

        Prompts hold at least one id each, and have to leave room: length + limit - 1 <= max_seq_len. Returns the ids
        written, with the end mark, and their natural log-probabilities.
        """
        batch, time = len(prompts), max(map(len, prompts))
        assert time + limit - 1 <= self.max_seq_len
        lengths = np.fromiter(map(len, prompts), dtype=np.int32, count=batch)
        if (lengths == time).all():
            ids = np.array(prompts, dtype=np.int64)
        else:
            ids = np.zeros((batch, time), dtype=np.int64)
            ids[np.arange(time) < lengths[:, None]] = np.concatenate([np.asarray(p, dtype=np.int64) for p in prompts])
        tokens, counts = np.empty((batch, limit), dtype=np.int32), np.empty(batch, dtype=np.int32)
        logprobs = np.empty((batch, limit), dtype=np.float32)
        self._decode(
            self._handle,
            batch,
            time,
            ids.ctypes.data,
            lengths.ctypes.data,
            limit,
            eos_id,
            tokens.ctypes.data,
            logprobs.ctypes.data,
            counts.ctypes.data,
        )
        ends = counts.tolist()
        return (
            [tuple(row[:n]) for row, n in zip(tokens.tolist(), ends, strict=True)],
            [tuple(row[:n]) for row, n in zip(logprobs.tolist(), ends, strict=True)],
        )


def _bind(library: ctypes.CDLL, name: str, result: Any, arguments: str) -> Callable[..., Any]:
    function = library[name]
    function.restype = result
    function.argtypes = [ctypes.c_void_p if letter == "p" else ctypes.c_int64 for letter in arguments]
    return function
