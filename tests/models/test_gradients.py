"""Gradients of every architecture against finite differences, in double precision."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from longhand.models.build import build_model
from longhand.models.config import ModelConfig

KINDS: list[dict[str, Any]] = [
    {"name": "gpt2"},
    {"name": "think"},
    {"name": "poc"},
    {"name": "think", "n_layers": 1, "n_loops": 3},
    {"name": "think", "block": "feedback"},
    {"name": "gpt2", "block": "feedback", "softmax": "softmax1"},
    {"name": "mamba"},
    {"name": "looped", "n_layers": 1, "n_loops": 3, "random_loops": False},
    {"name": "llama2", "pos_encoding": "pope", "softmax": "softmax1"},
]
DEAD = ("cross.qkv.weight",)  # it multiplies a memory of zeros
STEP = 1e-5


@pytest.mark.row("S0-B7", "S0-B8", "S0-B9", "S0-B10", "S0-B11")
@pytest.mark.parametrize("keys", KINDS, ids=str)
@pytest.mark.parametrize("padded", [False, True])
def test_the_gradient_of_every_weight_is_the_slope_of_the_loss(keys: dict[str, Any], padded: bool) -> None:
    config = ModelConfig(**{"d_model": 8, "n_layers": 2, "max_seq_len": 8, "init": "scaled", **keys})
    model = build_model(config, 7, seed=0).double()
    torch.manual_seed(0)
    ids, direction = torch.randint(0, 7, (2, 6)), torch.randn(2, 6, 7, dtype=torch.float64)
    real = torch.ones(2, 6, dtype=torch.bool)
    real[0, :2] = not padded

    def loss() -> torch.Tensor:
        return (model(ids, real) * direction * real[:, :, None]).sum()

    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.rand_like(weight))  # away from where biases are 0 and all norms 1
        if config.pos_encoding == "pope":
            for block in model.blocks:
                block.attention.phase_bias.uniform_(-6, -0.3)  # its slope changes at the ends of its range
    loss().backward()
    for name, weight in model.named_parameters():
        if name.endswith(DEAD):
            assert weight.grad is None, name
            continue
        assert weight.grad is not None, name
        along = torch.randn_like(weight)
        with torch.no_grad():
            weight.add_(STEP * along)
            above = loss()
            weight.sub_(2 * STEP * along)
            below = loss()
            weight.add_(STEP * along)
        slope = ((above - below) / (2 * STEP)).item()
        assert (weight.grad * along).sum().item() == pytest.approx(slope, rel=1e-4, abs=1e-5), name
