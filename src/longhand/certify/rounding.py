"""How far the logits computed in float64 can lie from those of real arithmetic, whatever order sums are taken in.

A running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, chapters 3 and 4): beside
each array goes another of the same shape that bounds its distance from the exact value. A sum of n products, in any
order, with or without fused multiply-add, is off by at most gamma_n = n u / (1 - n u) times the sum of their sizes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longhand.numpy_gpt.windowed import WindowNetwork

Floats = NDArray[np.floating[Any]]

UNIT = 2.0**-53
"""The rounding unit u of float64."""
EXP_UNITS = 8
"""Units by which exp may be off, relatively; libraries promise one or two."""
SLACK = 1 + 1e-6
"""Every bound is made this much larger, for the rounding of the bounds themselves."""
TINY = 1e-300
"""Added where a result may underflow."""
CHUNK = 2048

ASSUMPTIONS = (
    "float64 as IEEE 754 has it, rounding to nearest: + - * / and square root are off by at most 2**-53 relatively",
    f"exp is off by at most {EXP_UNITS} units relatively",
    "sums may be taken in any order, with or without fused multiply-add",
    "the processor, the memory and the code that reads the prompt and spells the answer do what they should",
)


class Bounded(NamedTuple):
    """Computed values, and a bound of the same shape on how far each is from the exact one."""

    value: Floats
    error: Floats


def bounded_logits(network: WindowNetwork, windows: NDArray[np.integer[Any]]) -> Bounded:
    """The logits of the token after each window, [n, vocab], and how far they can be off."""
    analysis = _Analysis(network)
    parts = [analysis.logits(windows[i : i + CHUNK]) for i in range(0, len(windows), CHUNK)]
    return Bounded(np.concatenate([p.value for p in parts]), np.concatenate([p.error for p in parts]))


def gamma(n: int) -> float:
    """The relative error of a sum of n products."""
    return n * UNIT / (1 - n * UNIT)


class _Analysis:
    def __init__(self, network: WindowNetwork) -> None:
        self._net = network
        exact = Bounded(network.embedding, np.zeros_like(network.embedding))
        self._memory = []
        for block in network.blocks:
            _, key, value = np.split(block.weights["attention.qkv.weight"], 3)
            memory = self._norm(exact, block.weights["attention_norm.weight"])
            self._memory.append((self._heads(_linear(memory, key)), self._heads(_linear(memory, value))))

    def logits(self, windows: NDArray[np.integer[Any]]) -> Bounded:
        net = self._net
        x = Bounded(net.embedding[windows[:, 0]], np.zeros((len(windows), net.embedding.shape[1])))
        for block, (keys, values) in zip(net.blocks, self._memory, strict=True):
            x = _add(x, self._attend(x, block.weights, keys, values, windows))
            hidden = _linear(self._norm(x, block.weights["mlp_norm.weight"]), block.weights["mlp.up.weight"])
            hidden = Bounded(np.maximum(hidden.value, 0), hidden.error)  # max(., 0) brings numbers no further apart
            x = _add(x, _linear(hidden, block.weights["mlp.down.weight"]))
        return _linear(self._norm(x, net.norm), net.head)

    def _attend(
        self, x: Bounded, weights: dict[str, Floats], keys: Bounded, values: Bounded, windows: NDArray[np.integer[Any]]
    ) -> Bounded:
        query = np.split(weights["attention.qkv.weight"], 3)[0]
        q = self._heads(_linear(self._norm(x, weights["attention_norm.weight"]), query))  # [heads, n, width]
        scores = _product(q, Bounded(keys.value.transpose(0, 2, 1), keys.error.transpose(0, 2, 1)))
        scale = self._net.scale
        score = Bounded(scores.value * scale, (scores.error * scale + 3 * UNIT * abs(scores.value * scale)) * SLACK)
        at = np.broadcast_to(windows[None], (len(q.value), *windows.shape))
        bias = weights["attention.slot_bias"][:, None, :]
        score = _add(Bounded(*(np.take_along_axis(part, at, 2) for part in score)), Bounded(bias, np.zeros_like(bias)))
        share = _softmax(score)
        gathered, error, size = (np.zeros_like(q.value) for _ in range(3))
        for slot in range(windows.shape[1]):
            p, e = share.value[:, :, slot, None], share.error[:, :, slot, None]
            v, e_v = values.value[:, windows[:, slot]], values.error[:, windows[:, slot]]
            gathered += p * v
            size += p * abs(v)
            error += e * abs(v) + (p + e) * e_v
        error = (error + gamma(windows.shape[1] + 1) * size) * SLACK + TINY
        n = len(windows)
        flat = Bounded(*(part.transpose(1, 0, 2).reshape(n, -1) for part in (gathered, error)))
        return _linear(flat, weights["attention.out.weight"])

    def _heads(self, x: Bounded) -> Bounded:
        """From [n, d_model] to [heads, n, width]."""
        split = (part.reshape(len(part), self._net.n_heads, -1).transpose(1, 0, 2) for part in x)
        return Bounded(*split)

    def _norm(self, x: Bounded, weight: Floats) -> Bounded:
        """RMS norm: the root mean square moves by at most |error|_2 / sqrt(d) where its input moves by error."""
        value, error = x
        d = value.shape[-1]
        root = np.sqrt((value * value).mean(axis=-1, keepdims=True) + self._net.eps)
        computing = gamma(d + 8)
        moved = np.sqrt((error * error).sum(axis=-1, keepdims=True) / d) * SLACK
        lowest = root * (1 - computing) - moved
        if not (lowest > 0).all():
            raise ValueError("the error of what is normalised is as large as it is")
        normed = value / root * weight
        off = abs(weight) * (error / lowest + abs(value) * moved / (root * (1 - computing) * lowest))
        return Bounded(normed, (off + computing * abs(normed)) * SLACK + TINY)


def _linear(x: Bounded, weight: Floats) -> Bounded:
    """The product with W^T for weights known exactly."""
    value, size = x.value @ weight.T, abs(weight).T
    return Bounded(value, (gamma(weight.shape[1]) * (abs(x.value) @ size) + x.error @ size) * SLACK + TINY)


def _product(x: Bounded, y: Bounded) -> Bounded:
    """The product of two factors known with errors."""
    n = x.value.shape[-1]
    error = gamma(n) * (abs(x.value) @ abs(y.value)) + x.error @ abs(y.value) + (abs(x.value) + x.error) @ y.error
    return Bounded(x.value @ y.value, error * SLACK + TINY)


def _add(x: Bounded, y: Bounded) -> Bounded:
    value = x.value + y.value
    return Bounded(value, (x.error + y.error + UNIT * abs(value)) * SLACK)


def _softmax(scores: Bounded) -> Bounded:
    """Scores that are off by at most e change no share by more than a factor of exp(2 e)."""
    value = scores.value
    moved = value - value.max(axis=-1, keepdims=True)
    shares = np.exp(moved)
    shares /= shares.sum(axis=-1, keepdims=True)
    off = 2 * (scores.error.max(axis=-1, keepdims=True) + 2 * UNIT * abs(moved).max(axis=-1, keepdims=True))
    computing = gamma(2 * (EXP_UNITS + value.shape[-1]) + 4)
    factor = np.expm1(off * SLACK) + computing * np.exp(off * SLACK)
    return Bounded(shares, shares * factor * SLACK + TINY)
