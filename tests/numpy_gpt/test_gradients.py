"""Every gradient written by hand is the one that moving the weights a little shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.numpy_gpt.tiny_models import VOCAB, configs, random_model, tiny_config

from longhand.models.config import ModelConfig
from longhand.numpy_gpt import layers
from longhand.numpy_gpt.attention import attend, attend_backward
from longhand.numpy_gpt.loss import cross_entropy
from longhand.numpy_gpt.model import NumpyGPT

STEP = 1e-6


def numeric_gradient(f, x):  # type: ignore[no-untyped-def]
    """(f(x + h) - f(x - h)) / 2h for every number of `x`, which is put back."""
    gradient = np.zeros_like(x)
    flat, out = x.reshape(-1), gradient.reshape(-1)
    for i in range(flat.size):
        before = flat[i]
        flat[i] = before + STEP
        above = f()
        flat[i] = before - STEP
        out[i] = (above - f()) / (2 * STEP)
        flat[i] = before
    return gradient


def worst_error(written, measured):  # type: ignore[no-untyped-def]
    """The largest difference, relative to the largest number of the two."""
    scale = max(np.abs(written).max(), np.abs(measured).max(), 1e-3)
    return np.abs(written - measured).max() / scale


def loss_of(model: NumpyGPT, ids, targets, weights, keep: int = 0):  # type: ignore[no-untyped-def]
    logits, tape = model.forward(ids, keep=keep)
    loss, d_logits = cross_entropy(logits, targets[:, -logits.shape[1] :], weights[:, -logits.shape[1] :])
    return loss, d_logits, tape


@pytest.mark.row("S1-M1", "S1-L1", "S1-T2")
@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"mlp": "relu", "pos_encoding": "sinusoidal", "tie_weights": False, "attention_bias": True},
        {"pos_encoding": "none", "mlp_bias": False, "n_layers": 1},
    ],
)
@pytest.mark.parametrize("keep", [0, 2])
def test_the_gradient_of_every_parameter_is_that_of_finite_differences(keys: dict[str, object], keep: int) -> None:
    model = random_model(tiny_config(**keys))
    rng = np.random.default_rng(1)
    ids, targets = rng.integers(VOCAB, size=(2, 3, 5))
    weights = rng.uniform(0, 1, (3, 5))
    _, d_logits, tape = loss_of(model, ids, targets, weights, keep)
    model.backward(d_logits, tape)
    for name, weight in model.parameters.weights.items():
        measured = numeric_gradient(lambda: loss_of(model, ids, targets, weights, keep)[0], weight)
        assert worst_error(model.parameters.gradients[name], measured) < 1e-4, name


@settings(max_examples=20, deadline=None)
@given(configs(), st.integers(0, 2**31))
def test_along_any_direction_the_loss_changes_as_the_gradient_says(config: ModelConfig, seed: int) -> None:
    model = random_model(config, seed)
    rng = np.random.default_rng(seed)
    ids, targets = rng.integers(VOCAB, size=(2, 2, int(rng.integers(1, 9))))
    weights = rng.uniform(0.5, 1, ids.shape)
    _, d_logits, tape = loss_of(model, ids, targets, weights)
    model.backward(d_logits, tape)
    direction = rng.normal(size=model.parameters.vector.shape)
    losses = []
    for sign in (1, -1):
        model.parameters.vector += sign * STEP * direction
        losses.append(loss_of(model, ids, targets, weights)[0])
        model.parameters.vector -= sign * STEP * direction
    slope = (losses[0] - losses[1]) / (2 * STEP)
    assert slope == pytest.approx(float(direction @ model.parameters.gradient), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", ["relu", "gelu"])
def test_the_gradient_of_an_activation(name: str) -> None:
    rng = np.random.default_rng(0)
    x, dy = rng.normal(0, 2, (2, 4, 5))
    forward, backward = getattr(layers, name), getattr(layers, f"{name}_backward")
    measured = numeric_gradient(lambda: float((forward(x)[0] * dy).sum()), x)
    assert worst_error(backward(dy, forward(x)[1]), measured) < 1e-7


@pytest.mark.parametrize(("n_queries", "n_keys"), [(4, 4), (2, 5), (1, 3)])
def test_the_gradients_of_attention(n_queries: int, n_keys: int) -> None:
    rng = np.random.default_rng(0)
    q = rng.normal(size=(2, 2, n_queries, 3))
    k, v = rng.normal(size=(2, 2, 2, n_keys, 3))
    dy = rng.normal(size=q.shape)
    gradients = attend_backward(dy, attend(q, k, v)[1])
    for written, x in zip(gradients, (q, k, v), strict=True):
        measured = numeric_gradient(lambda: float((attend(q, k, v)[0] * dy).sum()), x)
        assert worst_error(written, measured) < 1e-7


def test_where_the_loss_does_not_count_nothing_flows() -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(2, 3, VOCAB)), rng.integers(VOCAB, size=(2, 3))
    weights = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    loss, d_logits = cross_entropy(logits, targets, weights)
    chances = np.exp(logits[0, 1]) / np.exp(logits[0, 1]).sum()
    assert loss == pytest.approx(-np.log(chances[targets[0, 1]]))
    assert not d_logits[weights == 0].any()
    assert d_logits[0, 1].any()
