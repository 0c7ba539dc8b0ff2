"""The NumPy engine and the torch model with the same weights say the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.numpy_gpt.tiny_models import VOCAB, configs, random_model, tiny_config

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.numpy_gpt.fits import why_not_numpy
from longhand.numpy_gpt.loss import cross_entropy
from longhand.numpy_gpt.model import NumpyGPT
from longhand.numpy_gpt.parameters import initial_parameters, weight_shapes


def in_torch(model: NumpyGPT) -> Decoder:
    """The torch model with the weights of a NumPy one, and their number type."""
    decoder = build_model(model.config, model.vocab_size)
    weights = {name: torch.from_numpy(weight.copy()) for name, weight in model.parameters.weights.items()}
    decoder = decoder.to(dtype=next(iter(weights.values())).dtype)
    decoder.load_state_dict(weights)
    return decoder


@pytest.mark.bug("S1-3")
@pytest.mark.row("S1-M1", "S1-L1")
@settings(max_examples=25, deadline=None)
@given(configs(), st.integers(0, 2**31), st.sampled_from([0, 1, 3]))
def test_logits_loss_and_gradients_are_those_of_torch(config: ModelConfig, seed: int, keep: int) -> None:
    model = random_model(config, seed)
    decoder = in_torch(model)
    rng = np.random.default_rng(seed)
    ids, targets = rng.integers(VOCAB, size=(2, 3, 6))
    weights = rng.integers(0, 2, (3, 6)).astype(np.float64)
    kept = keep or 6

    theirs = decoder(torch.from_numpy(ids), logits_to_keep=keep)
    losses = F.cross_entropy(theirs.flatten(0, 1), torch.from_numpy(targets[:, -kept:]).reshape(-1), reduction="none")
    their_loss = torch.dot(losses, torch.from_numpy(weights[:, -kept:].copy()).reshape(-1))
    their_loss.backward()

    ours, tape = model.forward(ids, keep=keep)
    loss, d_logits = cross_entropy(ours, targets[:, -kept:], weights[:, -kept:])
    model.backward(d_logits, tape)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-10)
    assert loss == pytest.approx(their_loss.item(), abs=1e-10)
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None
        np.testing.assert_allclose(model.parameters.gradients[name], parameter.grad.numpy(), atol=1e-9, err_msg=name)


def test_in_float32_they_differ_by_rounding_only() -> None:
    model = random_model(tiny_config(), dtype=np.float32)
    ids = np.random.default_rng(0).integers(VOCAB, size=(4, 9))
    theirs = in_torch(model)(torch.from_numpy(ids)).detach().numpy()
    ours, _ = model.forward(ids)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(configs())
def test_weights_have_the_names_shapes_and_order_of_torch(config: ModelConfig) -> None:
    theirs = {name: tuple(weight.shape) for name, weight in build_model(config, VOCAB).named_parameters()}
    assert list(weight_shapes(config, VOCAB).items()) == list(theirs.items())


@pytest.mark.parametrize(
    "keys",
    [{"init_std": 0.3}, {"init": "scaled"}, {"init": "xavier"}, {"init_std": 0.3, "residual_init_scaling": False}],
)
def test_fresh_weights_are_distributed_as_those_of_torch(keys: dict[str, object]) -> None:
    config = tiny_config(d_model=48, n_heads=4, d_ff=96, max_seq_len=64, tie_weights=False, **keys)
    ours = initial_parameters(config, 60, seed=0).weights
    for name, theirs in build_model(config, 60, seed=0).state_dict().items():
        if ours[name].ndim == 1:
            assert (ours[name] == theirs.numpy()).all(), name
        else:
            assert ours[name].std() == pytest.approx(float(theirs.std()), rel=0.08), name
            assert abs(ours[name].mean()) < 0.1 * ours[name].std(), name
    again = initial_parameters(config, 60, seed=0).vector
    assert (again == initial_parameters(config, 60, seed=0).vector).all()
    assert (again != initial_parameters(config, 60, seed=1).vector).any()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"norm": "rmsnorm"}, "norm: rmsnorm"),
        ({"mlp": "swiglu"}, "mlp: swiglu"),
        ({"pos_encoding": "rope"}, "pos_encoding: rope"),
        ({"n_kv_heads": 1}, "n_kv_heads: 1"),
        ({"norm_place": "post"}, "norm_place: post"),
        ({"scale_embeddings": True}, "scale_embeddings: true"),
        ({"tie_weights": False, "head_bias": True}, "head_bias: true"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(keys: dict[str, object], words: str) -> None:
    config = ModelConfig(**{"d_model": 8, "n_heads": 2, **keys})
    assert why_not_numpy(config) == words
    with pytest.raises(UserError, match=f"the numpy engine does not compute {words}; it computes the gpt2 family"):
        NumpyGPT(config, initial_parameters(tiny_config(), VOCAB, 0))


def test_a_sequence_longer_than_the_context_is_refused() -> None:
    with pytest.raises(UserError, match="10 tokens is longer than the model's max_seq_len of 9"):
        random_model(tiny_config()).forward(np.zeros((1, 10), dtype=np.int64))
