"""GPT-2 in NumPy: the forward pass, and the way back with every gradient written out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longhand.errors import UserError
from longhand.models.config import ModelConfig
from longhand.numpy_gpt import layers
from longhand.numpy_gpt.attention import attend, attend_backward, join_heads, split_heads
from longhand.numpy_gpt.fits import check_fits
from longhand.numpy_gpt.kv_cache import KVCache
from longhand.numpy_gpt.parameters import Floats, Parameters

Ints = NDArray[np.integer[Any]]


class _Activation(NamedTuple):
    """A function of each number, and its gradient given what it kept."""

    forward: Callable[[Floats], tuple[Floats, Any]]
    backward: Callable[[Floats, Any], Floats]


_ACTIVATIONS = {
    "gelu": _Activation(layers.gelu, layers.gelu_backward),
    "relu": _Activation(layers.relu, layers.relu_backward),
}


@dataclass(slots=True)
class _BlockTape:
    """What a block keeps for its way back, in the order in which it is computed."""

    attention_norm: tuple[Floats, Floats]
    normed: Floats
    attended: Any
    gathered: Floats
    mlp_norm: tuple[Floats, Floats]
    mlp_normed: Floats
    activated: Any
    hidden: Floats


@dataclass(slots=True)
class Tape:
    """What a forward pass keeps for `backward`."""

    ids: Ints
    blocks: list[_BlockTape]
    norm: tuple[Floats, Floats]
    normed: Floats


class NumpyGPT:
    """A decoder of the gpt2 family over given parameters.

    It has the weights of `models.decoder.Decoder` by the same names and computes the same logits and gradients, in
    the number type of its parameters. Rows of a batch are equally long: there is no padding to hide. Raises
    `UserError` for a model it does not compute.
    """

    def __init__(self, config: ModelConfig, parameters: Parameters) -> None:
        check_fits(config)
        self.config, self.parameters = config, parameters
        self._table: Floats | None = None
        if config.pos_encoding == "sinusoidal":
            self._table = _sinusoids(config.max_seq_len, config.d_model).astype(parameters.vector.dtype)
        self._activation = _ACTIVATIONS[config.mlp]

    @property
    def vocab_size(self) -> int:
        """Tokens the model can read and write."""
        return len(self.parameters.weights["embedding.weight"])

    def new_cache(self, batch: int, max_len: int) -> KVCache:
        """An empty key-value cache for `batch` rows of up to `max_len` tokens."""
        config = self.config
        head_dim = config.d_model // config.n_heads
        return KVCache(config.n_layers, batch, config.n_heads, max_len, head_dim, self.parameters.vector.dtype)

    def forward(self, ids: Ints, *, keep: int = 0, cache: KVCache | None = None) -> tuple[Floats, Tape]:
        """Logits of the token after each of `ids` [batch, time], of the last `keep` if given: [batch, keep, vocab].

        With `cache` the ids continue the tokens already read. Only the last block knows about `keep`: it asks that
        many queries. Raises `UserError` when the tokens read exceed `max_seq_len`.
        """
        weights, time = self.parameters.weights, ids.shape[1]
        start = 0 if cache is None else cache.length
        if start + time > self.config.max_seq_len:
            raise UserError(
                f"a sequence of {start + time} tokens is longer than the model's max_seq_len of"
                f" {self.config.max_seq_len}; shorten it or train a model with a larger max_seq_len"
            )
        x: Floats = weights["embedding.weight"][ids]
        positions = weights.get("positions.weight", self._table)
        if positions is not None:
            x += positions[start : start + time]
        tapes = []
        for layer in range(self.config.n_layers):
            kept = keep if keep and layer == self.config.n_layers - 1 else time
            x, tape = self._block(layer, x, kept, cache)
            tapes.append(tape)
        if cache is not None:
            cache.advance(time)
        normed, norm = layers.layer_norm(x, weights["norm.weight"], weights["norm.bias"], self.config.norm_eps)
        return layers.linear(normed, self._head, None), Tape(ids, tapes, norm, normed)

    def backward(self, d_logits: Floats, tape: Tape) -> None:
        """Add the gradients of a loss to those of the parameters, given its gradient by the logits."""
        weights, gradients = self.parameters.weights, self.parameters.gradients
        d_head = gradients["embedding.weight" if self.config.tie_weights else "head.weight"]
        d = layers.linear_backward(d_logits, tape.normed, self._head, d_head, None)
        d = layers.layer_norm_backward(
            d, tape.norm, weights["norm.weight"], gradients["norm.weight"], gradients["norm.bias"]
        )
        for layer in reversed(range(self.config.n_layers)):
            d = self._block_backward(layer, d, tape.blocks[layer])
        # A token's vector has the sum of the gradients of its places; as a product that is faster than np.add.at.
        places = np.zeros((tape.ids.size, self.vocab_size), d.dtype)
        places[np.arange(tape.ids.size), tape.ids.reshape(-1)] = 1
        gradients["embedding.weight"] += places.T @ d.reshape(tape.ids.size, -1)
        if "positions.weight" in gradients:
            gradients["positions.weight"][: d.shape[1]] += d.sum(axis=0)

    @property
    def _head(self) -> Floats:
        return self.parameters.weights["embedding.weight" if self.config.tie_weights else "head.weight"]

    def _block(self, layer: int, x: Floats, keep: int, cache: KVCache | None) -> tuple[Floats, _BlockTape]:
        """X + attention(norm(x)), then x + mlp(norm(x)); only the last `keep` tokens of `x` go on."""
        weights, block, config = self.parameters.weights, f"blocks.{layer}", self.config
        normed, attention_norm = layers.layer_norm(x, *self._norm(block, "attention"), config.norm_eps)
        weight, bias = weights[f"{block}.attention.qkv.weight"], weights.get(f"{block}.attention.qkv.bias")
        d, n_heads = config.d_model, config.n_heads
        q_bias, kv_bias = (None, None) if bias is None else (bias[:d], bias[d:])
        q = split_heads(layers.linear(normed[:, -keep:], weight[:d], q_bias), n_heads)
        k, v = np.split(split_heads(layers.linear(normed, weight[d:], kv_bias), 2 * n_heads), 2, axis=1)
        if cache is not None:
            k, v = cache.append(layer, k, v)
        heads, attended = attend(q, k, v)
        gathered = join_heads(heads)
        x = x[:, -keep:] + self._linear(f"{block}.attention.out", gathered)
        mlp_normed, mlp_norm = layers.layer_norm(x, *self._norm(block, "mlp"), config.norm_eps)
        hidden, activated = self._activation.forward(self._linear(f"{block}.mlp.up", mlp_normed))
        x = x + self._linear(f"{block}.mlp.down", hidden)
        return x, _BlockTape(attention_norm, normed, attended, gathered, mlp_norm, mlp_normed, activated, hidden)

    def _block_backward(self, layer: int, d: Floats, tape: _BlockTape) -> Floats:
        """The gradient by the block's input [batch, time, d_model], from that by its output [batch, keep, d_model]."""
        weights, gradients, block = self.parameters.weights, self.parameters.gradients, f"blocks.{layer}"
        d_hidden = self._linear_backward(f"{block}.mlp.down", d, tape.hidden)
        d_up = self._activation.backward(d_hidden, tape.activated)
        d_mlp = self._linear_backward(f"{block}.mlp.up", d_up, tape.mlp_normed)
        d = d + self._norm_backward(block, "mlp", d_mlp, tape.mlp_norm)

        d_gathered = self._linear_backward(f"{block}.attention.out", d, tape.gathered)
        d_q, d_k, d_v = attend_backward(split_heads(d_gathered, self.config.n_heads), tape.attended)
        keep, width, qkv = d.shape[1], self.config.d_model, f"{block}.attention.qkv"
        weight, d_weight, d_bias = weights[f"{qkv}.weight"], gradients[f"{qkv}.weight"], gradients.get(f"{qkv}.bias")
        q_bias, kv_bias = (None, None) if d_bias is None else (d_bias[:width], d_bias[width:])
        d_kv = join_heads(np.concatenate([d_k, d_v], axis=1))
        d_normed = layers.linear_backward(d_kv, tape.normed, weight[width:], d_weight[width:], kv_bias)
        d_normed[:, -keep:] += layers.linear_backward(
            join_heads(d_q), tape.normed[:, -keep:], weight[:width], d_weight[:width], q_bias
        )
        d_x = self._norm_backward(block, "attention", d_normed, tape.attention_norm)
        d_x[:, -keep:] += d
        return d_x

    def _linear(self, name: str, x: Floats) -> Floats:
        weights = self.parameters.weights
        return layers.linear(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"))

    def _linear_backward(self, name: str, dy: Floats, x: Floats) -> Floats:
        weights, gradients = self.parameters.weights, self.parameters.gradients
        weight, d_weight = weights[f"{name}.weight"], gradients[f"{name}.weight"]
        return layers.linear_backward(dy, x, weight, d_weight, gradients.get(f"{name}.bias"))

    def _norm(self, block: str, part: str) -> tuple[Floats, Floats]:
        weights, name = self.parameters.weights, f"{block}.{part}_norm"
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    def _norm_backward(self, block: str, part: str, dy: Floats, saved: tuple[Floats, Floats]) -> Floats:
        gradients, name = self.parameters.gradients, f"{block}.{part}_norm"
        gain, _ = self._norm(block, part)
        return layers.layer_norm_backward(dy, saved, gain, gradients[f"{name}.weight"], gradients[f"{name}.bias"])


def _sinusoids(max_seq_len: int, channels: int) -> NDArray[np.float32]:
    """Sines and cosines of geometrically spaced wavelengths (arXiv:1706.03762, section 3.5)."""
    frequency = 10_000.0 ** (-np.arange(0, channels, 2) / channels)
    angles = np.arange(max_seq_len)[:, None] * frequency
    table = np.stack((np.sin(angles), np.cos(angles)), axis=-1).reshape(max_seq_len, -1)[:, :channels]
    return table.astype(np.float32)
