"""Decoding of a batch in one call."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from longhand.native.library import load

Floats = NDArray[np.float32]
Number = TypeVar("Number", int, float)

CHUNK = 120
"""Prompts decoded at a time, neighbours in alphabetical order: of more, keys and values do not stay in the cache."""

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


class Decoded(NamedTuple):
    """The ids written after each prompt, their natural log-probabilities, and the seconds until the last of them."""

    tokens: list[tuple[int, ...]]
    logprobs: list[tuple[float, ...]]
    seconds: list[float]


class NativeDecoder:
    """A copy of a model's weights, packed for decoding on one core.

    `sizes` has d_model, n_heads, n_kv_heads, d_ff, n_layers, vocab_size, max_seq_len, norm, mlp and eps. `weights` has,
    as float32 arrays or None, `tokens` [vocab, d_model], `positions` [max_seq_len, d_model], `cos` and `sin`
    [max_seq_len, head width], `norm`, `norm_bias` and `head`; each of `layers` has norm1, qkv, out, norm2, up and down
    and their biases, where `up` of a swiglu is the gate above the up matrix. Raises `RuntimeError` without the native
    library.
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
        self.vocab_size, self.max_seq_len = int(sizes["vocab_size"]), int(sizes["max_seq_len"])
        new = _bind(library, "decoder_new", ctypes.c_void_p, "pppn")
        self._delete = _bind(library, "decoder_delete", None, "p")
        self._decode = _bind(library, "decoder_decode", None, "pnnpppndnpnpppp")
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
        self,
        prompts: Sequence[Sequence[int]],
        limits: Sequence[int],
        eos_id: int,
        *,
        uniforms: NDArray[np.float64] | None = None,
        temperature: float = 0.0,
        top_k: int | None = None,
        chunk: int = CHUNK,
    ) -> Decoded:
        """Continue every prompt by up to as many tokens as `limits` says, or until `eos_id`, which is written too.

        Each token is the likeliest, the first of equals. With `uniforms` [batch, longest limit] in [0, 1) it is drawn
        from softmax(logits / temperature), with `top_k` from that many of the likeliest: tokens are laid out from the
        likeliest on, and the number at hand falls on one. Prompts hold at least one id each, and have to leave room:
        length + limit - 1 <= max_seq_len. They are read `chunk` at a time or fewer, and seconds count from then.
        """
        batch, limit = len(prompts), max(limits)
        lengths = np.fromiter(map(len, prompts), dtype=np.int64, count=batch)
        starts = np.zeros(batch + 1, dtype=np.int64)
        np.cumsum(lengths, out=starts[1:])
        ids = np.fromiter(chain.from_iterable(prompts), dtype=np.int32, count=int(starts[-1]))
        most = np.array(limits, dtype=np.int32)
        assert lengths.min() > 0
        assert (lengths + most).max() - 1 <= self.max_seq_len
        assert 0 <= ids.min() <= ids.max() < self.vocab_size
        if uniforms is not None:
            uniforms = np.ascontiguousarray(uniforms, dtype=np.float64)
            assert uniforms.shape == (batch, limit)
        tokens, counts = np.empty((batch, limit), dtype=np.int32), np.empty(batch, dtype=np.int32)
        logprobs, seconds = np.empty((batch, limit), dtype=np.float32), np.empty(batch, dtype=np.float64)
        self._decode(
            self._handle,
            batch,
            chunk,
            ids.ctypes.data,
            starts.ctypes.data,
            most.ctypes.data,
            eos_id,
            temperature,
            top_k or 0,
            None if uniforms is None else uniforms.ctypes.data,
            limit,
            tokens.ctypes.data,
            logprobs.ctypes.data,
            counts.ctypes.data,
            seconds.ctypes.data,
        )
        written = np.arange(limit) < counts[:, None]
        ends = np.cumsum(counts).tolist()
        return Decoded(
            _split(tokens[written].tolist(), ends), _split(logprobs[written].tolist(), ends), seconds.tolist()
        )


def _split(numbers: list[Number], ends: Sequence[int]) -> list[tuple[Number, ...]]:
    return [tuple(numbers[start:end]) for start, end in pairwise(chain((0,), ends))]


_TYPES: Mapping[str, Any] = {"n": ctypes.c_int64, "p": ctypes.c_void_p, "d": ctypes.c_double}


def _bind(library: ctypes.CDLL, name: str, result: Any, arguments: str) -> Callable[..., Any]:
    function = library[name]
    function.restype = result
    function.argtypes = [_TYPES[letter] for letter in arguments]
    return function
