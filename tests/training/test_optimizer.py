from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from longhand.errors import UserError
from longhand.models.flat import FlatParameters
from longhand.training.config import TrainingConfig
from longhand.training.optimizer import AdamW
from longhand.training.run_config import RunConfig


def make_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4), nn.Linear(4, 3))


def fill(model: nn.Module, value: Callable[[torch.Tensor], torch.Tensor]) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            assert parameter.grad is not None
            parameter.grad.copy_(value(parameter))


def test_matrices_decay_and_vectors_do_not() -> None:
    model = make_model()
    optimizer = AdamW(FlatParameters(model), TrainingConfig(weight_decay=0.5))
    before = [p.detach().clone() for p in model.parameters()]
    fill(model, torch.zeros_like)
    optimizer.step(0.1)
    for old, new in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(new, old * (0.95 if old.dim() > 1 else 1.0))


def test_vectors_decay_too_where_that_is_asked_for() -> None:
    model = make_model()
    optimizer = AdamW(FlatParameters(model), TrainingConfig(weight_decay=0.5, decay_vectors=True))
    before = [p.detach().clone() for p in model.parameters()]
    fill(model, torch.zeros_like)
    optimizer.step(0.1)
    for old, new in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(new, old * 0.95)


def test_vectors_cannot_decay_where_nothing_does() -> None:
    with pytest.raises(UserError, match="decay_vectors has no effect with weight_decay: 0"):
        RunConfig.from_dict({"training": {"weight_decay": 0, "decay_vectors": True}})


def test_a_step_is_that_of_the_paper() -> None:
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(2.0)
    config = TrainingConfig(betas=(0.8, 0.9), eps=1e-3, weight_decay=0.5)
    optimizer = AdamW(FlatParameters(model), config)
    weight, m, v = 2.0, 0.0, 0.0
    for t, gradient in enumerate((3.0, -1.0, 0.5), start=1):
        fill(model, lambda p, g=gradient: torch.full_like(p, g))
        optimizer.step(0.1)
        m, v = 0.8 * m + 0.2 * gradient, 0.9 * v + 0.1 * gradient**2
        weight -= 0.1 * 0.5 * weight
        weight -= 0.1 * (m / (1 - 0.8**t)) / ((v / (1 - 0.9**t)) ** 0.5 + 1e-3)
    assert model.weight.item() == pytest.approx(weight, rel=1e-5)


@pytest.mark.row("S4-T2")
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), decay=st.floats(0.01, 1), rate=st.floats(1e-5, 0.1), vectors=st.booleans())
def test_ten_steps_are_those_of_torch(seed: int, decay: float, rate: float, vectors: bool) -> None:
    ours, theirs = make_model(), make_model()
    config = TrainingConfig(weight_decay=decay, betas=(0.9, 0.98), decay_vectors=vectors)
    optimizer = AdamW(FlatParameters(ours), config)
    groups = [
        {"params": [p for p in theirs.parameters() if p.dim() >= 2], "weight_decay": decay},
        {"params": [p for p in theirs.parameters() if p.dim() < 2], "weight_decay": decay if vectors else 0.0},
    ]
    reference = torch.optim.AdamW(groups, lr=rate, betas=config.betas, eps=config.eps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(10):
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            b.grad = torch.randn(b.shape, generator=generator)
            assert a.grad is not None
            a.grad.copy_(b.grad)
        optimizer.step(rate)
        reference.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
