"""The parts of a block, each with its gradient: what comes back beside an output is what the way back needs.

Arrays of tokens are [..., channels]. A function `x_backward` is given the gradient of the loss by the output of `x`;
it adds the gradients of weights to the arrays it is given and returns the gradient by the input.
"""

from __future__ import annotations

import math

import numpy as np

from longhand.numpy_gpt.parameters import Floats

_ROOT, _CUBIC = math.sqrt(2 / math.pi), 0.044715  # of the tanh approximation of GELU (arXiv:1606.08415)


def linear(x: Floats, weight: Floats, bias: Floats | None) -> Floats:
    """X W^T + b, with `weight` [outputs, inputs]."""
    y: Floats = (x.reshape(-1, x.shape[-1]) @ weight.T).reshape(*x.shape[:-1], len(weight))
    if bias is not None:
        y += bias
    return y


def linear_backward(dy: Floats, x: Floats, weight: Floats, d_weight: Floats, d_bias: Floats | None) -> Floats:
    """DW = dy^T x, db = sum of dy, dx = dy W."""
    rows = dy.reshape(-1, dy.shape[-1])
    d_weight += rows.T @ x.reshape(-1, x.shape[-1])
    if d_bias is not None:
        d_bias += rows.sum(axis=0)
    return (rows @ weight).reshape(x.shape)


def layer_norm(x: Floats, gain: Floats, bias: Floats, eps: float) -> tuple[Floats, tuple[Floats, Floats]]:
    """Each token minus its mean, over its standard deviation, times `gain` plus `bias` (arXiv:1607.06450)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    inverse = 1 / np.sqrt(np.einsum("...c,...c->...", centred, centred)[..., None] / x.shape[-1] + eps)
    unit = centred * inverse
    return unit * gain + bias, (unit, inverse)


def layer_norm_backward(
    dy: Floats, saved: tuple[Floats, Floats], gain: Floats, d_gain: Floats, d_bias: Floats
) -> Floats:
    """Dx = (g - mean(g) - u mean(g u)) / std with g = dy gain: mean and deviation depend on x too."""
    unit, inverse = saved
    d_gain += np.einsum("nc,nc->c", dy.reshape(-1, dy.shape[-1]), unit.reshape(-1, dy.shape[-1]))
    d_bias += dy.reshape(-1, dy.shape[-1]).sum(axis=0)
    d_unit = dy * gain
    along = np.einsum("...c,...c->...", d_unit, unit)[..., None] / dy.shape[-1]
    dx: Floats = (d_unit - d_unit.mean(axis=-1, keepdims=True) - unit * along) * inverse
    return dx


def relu(x: Floats) -> tuple[Floats, Floats]:
    """max(x, 0); the output says where the gradient passes."""
    y: Floats = np.maximum(x, 0)
    return y, y


def relu_backward(dy: Floats, y: Floats) -> Floats:
    """The gradient where the output is above 0."""
    return dy * (y > 0)


def gelu(x: Floats) -> tuple[Floats, tuple[Floats, Floats]]:
    """x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the approximation GPT-2 was trained with."""
    slope: Floats = np.tanh(_ROOT * (x + _CUBIC * x * x * x))
    return 0.5 * x * (1 + slope), (x, slope)


def gelu_backward(dy: Floats, saved: tuple[Floats, Floats]) -> Floats:
    """By the product rule; the derivative of tanh is 1 - tanh^2."""
    x, slope = saved
    inner = _ROOT * (1 + 3 * _CUBIC * x * x)
    return dy * (0.5 * (1 + slope) + 0.5 * x * (1 - slope * slope) * inner)


def softmax(scores: Floats) -> Floats:
    """exp(s) / sum of exp(s) along the last axis, of scores moved so that the largest is 0."""
    weights: Floats = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


def softmax_backward(d_weights: Floats, weights: Floats) -> Floats:
    """Ds = w (dw - sum of w dw): what one weight gains, the others lose."""
    product = d_weights * weights
    scores: Floats = product - weights * product.sum(axis=-1, keepdims=True)
    return scores
