from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.models.flat import FlatParameters
from longhand.training.config import TrainingConfig
from longhand.training.muon import COEFFICIENTS, MOMENTUM, Muon, orthogonalize
from longhand.training.run_config import RunConfig

KINDS: dict[str, dict[str, Any]] = {
    "gpt2": {"name": "gpt2", "n_heads": 4, "d_ff": 48},
    "llama2": {"name": "llama2", "n_heads": 4, "d_ff": 48},
    "mixtral": {"name": "mixtral", "n_heads": 4, "d_ff": 48},
    "poc": {"name": "poc"},
    "looped": {"name": "think", "n_loops": 2},
    "feedback": {"name": "think", "block": "feedback"},
    "mamba": {"name": "mamba"},
    "pope": {"name": "gpt2", "pos_encoding": "pope"},
}


def make_model(kind: str = "gpt2") -> Decoder:
    sizes: dict[str, Any] = {"d_model": 16, "n_layers": 2, "max_seq_len": 8, "tie_weights": False}
    return build_model(ModelConfig(**sizes, **KINDS[kind]), 11, seed=0)


def is_hidden(name: str, weight: torch.Tensor) -> bool:
    return name.startswith(("blocks.", "memory.")) and weight.dim() > 1


def parts_of(name: str, weight: torch.Tensor) -> list[torch.Tensor]:
    if name.endswith("qkv.weight"):
        return list(weight.split(16))
    if name.endswith(("kv.weight", "in_proj.weight")):
        return list(weight.chunk(2))
    return list(weight) if weight.dim() == 3 else [weight]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(0, 30), st.floats(-20, 20), st.integers(0, 2**31))
def test_singular_values_end_near_one_whatever_the_scale(rows: int, more: int, scale: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Singular values from 0.2 to 1, so that five iterations are enough.
    left, _ = torch.linalg.qr(torch.randn(rows, rows, generator=generator))
    right, _ = torch.linalg.qr(torch.randn(rows + more, rows, generator=generator))
    values = torch.linspace(0.2, 1, rows)
    matrix = math.exp(scale / 4) * (left * values) @ right.T
    found = torch.linalg.svdvals(orthogonalize(matrix[None])[0])
    assert found.min() > 0.6
    assert found.max() < 1.25


def test_each_iteration_is_the_polynomial_of_the_singular_values() -> None:
    a, b, c = COEFFICIENTS
    values = torch.tensor([0.9, 0.3, 0.05])
    x = values / values.norm()
    for _ in range(5):
        x = a * x + b * x**3 + c * x**5
    torch.testing.assert_close(torch.diagonal(orthogonalize(torch.diag(values)[None])[0]), x, rtol=1e-3, atol=1e-4)


@pytest.mark.row("S0-B12")
@pytest.mark.parametrize("name", list(KINDS))
def test_matrices_of_the_blocks_move_along_orthogonal_momentum_and_the_rest_as_adamw_moves_it(name: str) -> None:
    model, same = make_model(name), make_model(name)
    parameters, config = (
        FlatParameters.of(model),
        TrainingConfig(optimizer="muon", weight_decay=0.1, learning_rate=0.01),
    )
    optimizer = Muon(model, parameters, config)
    named = dict(same.named_parameters())
    rest = [p for n, p in named.items() if not is_hidden(n, p)]
    groups = [
        {"params": [p for p in rest if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in rest if p.dim() < 2], "weight_decay": 0.0},
    ]
    reference = torch.optim.AdamW(groups, lr=0.01, betas=config.betas, eps=config.eps)
    momentum = {n: torch.zeros_like(p) for n, p in named.items()}
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        gradients = {n: torch.randn(p.shape, generator=generator) for n, p in named.items()}
        for n, p in model.named_parameters():
            assert p.grad is not None
            p.grad.copy_(gradients[n])
            named[n].grad = gradients[n]
        optimizer.step(0.01)
        reference.step()
        for n, p in named.items():
            if not is_hidden(n, p):
                continue
            momentum[n] = MOMENTUM * momentum[n] + (1 - MOMENTUM) * gradients[n]
            wanted = (1 - MOMENTUM) * gradients[n] + MOMENTUM * momentum[n]
            steps = []
            for part in parts_of(n, wanted):
                flip = part.size(0) > part.size(1)
                unit = orthogonalize((part.T if flip else part)[None])[0]
                steps.append((unit.T if flip else unit) * max(1, part.size(0) / part.size(1)) ** 0.5)
            moved = torch.stack(steps) if p.dim() == 3 else torch.cat(steps)
            with torch.no_grad():
                p.mul_(1 - 0.02 * 0.1).sub_(0.02 * moved)
    assert optimizer.steps == 3
    for n, p in model.named_parameters():
        torch.testing.assert_close(p, named[n], rtol=1e-4, atol=1e-5, msg=lambda m, n=n: f"{n}: {m}")


def test_a_rate_for_muon_without_muon_is_refused() -> None:
    with pytest.raises(UserError, match="muon_learning_rate has no effect with optimizer: adamw"):
        RunConfig.from_dict({"training": {"muon_learning_rate": 0.1}})
