"""Causal attention with several heads, and its gradient."""

from __future__ import annotations

import numpy as np

from longhand.numpy_gpt.layers import softmax, softmax_backward
from longhand.numpy_gpt.parameters import Floats

Saved = tuple[Floats, Floats, Floats, Floats]


def split_heads(x: Floats, n_heads: int) -> Floats:
    """[batch, time, channels] to [batch, heads, time, channels of a head]."""
    batch, time, channels = x.shape
    return x.reshape(batch, time, n_heads, channels // n_heads).transpose(0, 2, 1, 3)


def join_heads(x: Floats) -> Floats:
    """The way back of `split_heads`."""
    batch, n_heads, time, channels = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch, time, n_heads * channels)


def attend(q: Floats, k: Floats, v: Floats) -> tuple[Floats, Saved]:
    """softmax(q k^T / sqrt(channels)) v, where the last query stands at the last key and none looks ahead.

    `q` is [batch, heads, queries, channels], `k` and `v` are [batch, heads, keys, channels] with at least as many
    keys as queries: those of tokens read before come first.
    """
    n_queries, n_keys = q.shape[2], k.shape[2]
    scores = (q @ k.swapaxes(2, 3)) * q.dtype.type(q.shape[-1] ** -0.5)
    if n_queries > 1:
        ahead = np.arange(n_keys) > np.arange(n_keys - n_queries, n_keys)[:, None]
        scores[..., ahead] = -np.inf
    weights = softmax(scores)
    return weights @ v, (q, k, v, weights)


def attend_backward(d_gathered: Floats, saved: Saved) -> tuple[Floats, Floats, Floats]:
    """The gradients by q, k and v. A weight of 0, as of every token ahead, passes nothing on."""
    q, k, v, weights = saved
    d_v = weights.swapaxes(2, 3) @ d_gathered
    d_scores = softmax_backward(d_gathered @ v.swapaxes(2, 3), weights)
    d_scores *= q.dtype.type(q.shape[-1] ** -0.5)
    return d_scores @ k, d_scores.swapaxes(2, 3) @ q, d_v
