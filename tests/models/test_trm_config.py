"""Combinations that cannot learn, or in which a key would do nothing, are refused in one line, and rightly so."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.trm import RecursiveHead, build_head
from longhand.models.trm_backbone import DecoderBackbone, config_for
from longhand.models.trm_config import PUBLISHED, TrmConfig
from longhand.models.whole_answer import WholeAnswerModel

SIZES: dict[str, Any] = {"d_model": 16, "n_heads": 2}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"residual": "none", "init": "zero"}, "init: zero with residual: none is dead"),
        ({"start": "learned"}, "start: learned gets no gradient with t_recursion 3 and rounds_with_gradient 1"),
        (
            {"start": "learned", "n_latent": 0, "t_recursion": 1},
            "start: learned with n_latent: 0 would learn a z that is never read",
        ),
        ({"rounds_with_gradient": 4}, "rounds_with_gradient 4 is more than t_recursion 3; lower it"),
        ({"halting": True}, "halting is not possible with attention: causal"),
        ({**PUBLISHED, "kv": "last"}, "kv has no effect with attention: bidirectional; remove it"),
        ({**PUBLISHED, "freeze_lm_head": True}, "freeze_lm_head has no effect with attention: bidirectional"),
        ({"n_heads": 3}, "d_model 16 is not divisible by n_heads 3; change one of them"),
        ({"n_heads": 16}, "d_model / n_heads is 1; make it even"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        TrmConfig(**{**SIZES, **keys})
    assert "\n" not in str(caught.value)


def test_what_is_left_out_is_filled_in_and_a_saved_config_says_everything() -> None:
    causal = TrmConfig(**SIZES)
    assert (causal.d_ff, causal.freeze_lm_head, causal.kv) == (64, True, "exact")
    assert (causal.n_latent, causal.t_recursion, causal.n_supervision) == (6, 3, 16)
    whole = TrmConfig(**SIZES, **PUBLISHED)
    assert (whole.freeze_lm_head, whole.kv) == (None, None)
    for config in (causal, whole):
        assert TrmConfig(**config.model_dump(mode="json")) == config
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        TrmConfig(**SIZES, n_latents=3)


def _backbone() -> DecoderBackbone:
    model = build_model(ModelConfig(name="gpt2", d_model=16, n_heads=2, n_layers=1, init="scaled"), 12, seed=0)
    return DecoderBackbone(model)


def _gradients(config: TrmConfig) -> dict[str, torch.Tensor | None]:
    backbone = _backbone()
    head = build_head(config, backbone, seed=0)
    ids = torch.randint(0, 12, (2, 6), generator=torch.Generator().manual_seed(0))
    x = head.prepare(backbone.hidden(ids))
    y, z = head.start(x)
    head.step(x, y, z, ids).loss_sum.backward()
    return {name: parameter.grad for name, parameter in head.named_parameters()}


def test_a_net_of_zeros_without_residuals_is_dead_indeed() -> None:
    """What system 003 describes; its source overwrites the zeros."""
    allowed = config_for(_backbone(), residual="none", n_layers=1, n_latent=2, freeze_lm_head=False)
    dead = _gradients(allowed.model_copy(update={"init": "zero"}))
    assert all(gradient is None or not gradient.any() for name, gradient in dead.items() if name != "norm.bias")
    alive = _gradients(allowed)
    assert all(gradient is not None and gradient.any() for gradient in alive.values())
    for residual in ("pre", "post"):
        config = config_for(_backbone(), residual=residual, init="zero", n_layers=1, n_latent=2)
        found = _gradients(config)
        assert found["recursion.net.layers.0.mlp.down.weight"].any()  # type: ignore[union-attr]


def test_a_learned_start_gets_no_gradient_through_rounds_without_any() -> None:
    """What system 003 trains in name only, with three rounds."""
    learned = config_for(_backbone(), start="learned", t_recursion=1, n_latent=2)
    several = learned.model_copy(update={"t_recursion": 3, "rounds_with_gradient": 3})
    assert _gradients(several)["recursion.start_y"].any()  # type: ignore[union-attr]
    found = _gradients(learned)
    assert found["recursion.start_y"].any()  # type: ignore[union-attr]
    assert found["recursion.start_z"].any()  # type: ignore[union-attr]
    faulty = _gradients(learned.model_copy(update={"t_recursion": 2}))
    assert faulty["recursion.start_y"] is None


def test_a_fixed_start_is_of_unit_variance_and_no_weight() -> None:
    config = TrmConfig(d_model=256, n_heads=2, d_ff=8, **PUBLISHED)
    model = WholeAnswerModel(config, 12)
    assert model.recursion.start_y.std() == pytest.approx(1, abs=0.15)
    assert not any("start" in name for name, _ in model.named_parameters())
    assert {"recursion.start_y", "recursion.start_z"} <= set(model.state_dict()), "but saved with the weights"


def test_each_kind_of_attention_has_its_own_model() -> None:
    with pytest.raises(UserError, match="a recursive head on a language model needs attention: causal"):
        RecursiveHead(TrmConfig(**SIZES, **PUBLISHED), _backbone())
    with pytest.raises(UserError, match="a model of whole answers needs attention: bidirectional"):
        WholeAnswerModel(TrmConfig(**SIZES), 12)
    with pytest.raises(UserError, match="d_model 32 is not the backbone's, which is 16; set it"):
        RecursiveHead(TrmConfig(d_model=32, n_heads=2), _backbone())
