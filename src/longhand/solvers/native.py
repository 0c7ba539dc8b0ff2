"""Decoding by the native kernels, for models on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.models.decoder import Decoder
from longhand.models.mlp import SwiGlu
from longhand.models.plain import not_plain
from longhand.native.decoder import CHUNK, NativeDecoder
from longhand.native.library import load, status
from longhand.solvers.text_solver import Written

Engine = Literal["auto", "native", "torch"]


def why_not_native(model: Decoder) -> str | None:
    """The reason why the native kernels cannot decode this model, or None if they can."""
    config = model.config
    kinds = {(p.device.type, p.dtype) for p in model.parameters()}
    if load() is None:
        return f"native kernels: {status()}"
    special = not_plain(config)
    if special is not None:
        return f"{special} has no kernel"
    if config.mlp == "moe":
        return "mlp: moe has no kernel"
    if kinds not in ({("cpu", torch.float32)}, {("cpu", torch.bfloat16)}):
        return "its weights are not float32 or bfloat16 numbers on the CPU"
    return None


def choose_engine(model: Decoder, engine: Engine) -> NativeDecoding | None:
    """The native decoding of a model where it is wanted and possible, else None.

    Raises `UserError` if native kernels are asked for by name and cannot decode the model.
    """
    reason = why_not_native(model)
    if engine == "native" and reason is not None:
        raise UserError(f"engine native cannot decode this model ({reason}); use auto")
    return None if engine == "torch" or reason is not None else NativeDecoding(model)


class NativeDecoding:
    """Decodes with a packed copy of a model's weights, which is made anew when they have changed.

    A change is noticed if it was made to the parameters themselves, as by an optimizer of torch or
    `load_state_dict`. Whoever writes past them makes a new one.
    """

    def __init__(self, model: Decoder) -> None:
        self.model = model
        self._decoder: NativeDecoder | None = None
        self._weights = list(model.parameters())
        self._seen: list[tuple[int, int]] = []

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
    ) -> list[Written]:
        """What the reference decoder writes, greedily or drawn; see `NativeDecoder.decode`."""
        seen = [(weight.data_ptr(), weight._version) for weight in self._weights]
        if self._decoder is None or seen != self._seen:
            self._decoder, self._seen = pack(self.model), seen
        settings: dict[str, Any] = {"uniforms": uniforms, "temperature": temperature, "top_k": top_k}
        decoded = self._decoder.decode(prompts, limits, eos_id, chunk=chunk, **settings)
        return [
            Written(tokens, logprobs, tokens[-1] == eos_id, seconds)
            for tokens, logprobs, seconds in zip(*decoded, strict=True)
        ]


@torch.no_grad()
def pack(model: Decoder) -> NativeDecoder:
    """A native decoder with the weights as they are now."""
    config = model.config
    sizes = {
        **{key: getattr(config, key) for key in ("d_model", "n_heads", "n_kv_heads", "d_ff", "n_layers")},
        **{key: getattr(config, key) for key in ("max_seq_len", "norm", "mlp")},
        "vocab_size": model.vocab_size,
        "eps": config.norm_eps,
    }
    head = model.embedding if model.head is None else model.head
    positions = model.positions
    table = None if positions is None else positions.table if hasattr(positions, "table") else positions.weight
    weights = {
        "tokens": _array(model.embedding.weight),
        "positions": _array(table),
        "cos": None if model.rotary is None else _array(model.rotary.cos),
        "sin": None if model.rotary is None else _array(model.rotary.sin),
        **_affine("norm", model.norm),
        "head": _array(head.weight),
    }
    layers = [_layer(block) for block in model.blocks]
    is_rounded = model.embedding.weight.dtype == torch.bfloat16
    return NativeDecoder(sizes, weights, layers, "bfloat16" if is_rounded else "float32")


def _layer(block: Any) -> dict[str, NDArray[np.float32] | None]:
    mlp = block.mlp
    ups = [mlp.gate, mlp.up] if isinstance(mlp, SwiGlu) else [mlp.up]
    bias = None if mlp.up.bias is None else torch.cat([up.bias for up in ups])
    return {
        **_affine("norm1", block.attention_norm),
        **_affine("qkv", block.attention.qkv),
        **_affine("out", block.attention.out),
        **_affine("norm2", block.mlp_norm),
        "up": _array(torch.cat([up.weight for up in ups])),
        "up_bias": _array(bias),
        **_affine("down", mlp.down),
    }


def _affine(name: str, module: nn.Module) -> dict[str, NDArray[np.float32] | None]:
    return {name: _array(module.weight), f"{name}_bias": _array(getattr(module, "bias", None))}


def _array(tensor: Any) -> NDArray[np.float32] | None:
    if tensor is None:
        return None
    assert isinstance(tensor, Tensor)
    array: NDArray[np.float32] = tensor.detach().float().numpy()
    return array
