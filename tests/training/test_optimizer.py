from __future__ import annotations

import pytest
import torch
from torch import nn

from longhand.training.config import TrainingConfig
from longhand.training.optimizer import build_optimizer, set_learning_rate


def make_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4), nn.Linear(4, 3))


def test_matrices_decay_and_vectors_do_not() -> None:
    model = make_model()
    optimizer = build_optimizer(model, TrainingConfig(weight_decay=0.5))
    before = [p.detach().clone() for p in model.parameters()]
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    set_learning_rate(optimizer, 0.1)
    optimizer.step()
    for old, new in zip(before, model.parameters(), strict=True):
        torch.testing.assert_close(new, old * (0.95 if old.dim() > 1 else 1.0))


def test_a_step_is_that_of_the_paper() -> None:
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(2.0)
    config = TrainingConfig(betas=(0.8, 0.9), eps=1e-3, weight_decay=0.5)
    optimizer = build_optimizer(model, config)
    set_learning_rate(optimizer, 0.1)
    weight, m, v = 2.0, 0.0, 0.0
    for t, gradient in enumerate((3.0, -1.0, 0.5), start=1):
        model.weight.grad = torch.full((1, 1), gradient)
        optimizer.step()
        m, v = 0.8 * m + 0.2 * gradient, 0.9 * v + 0.1 * gradient**2
        weight -= 0.1 * 0.5 * weight
        weight -= 0.1 * (m / (1 - 0.8**t)) / ((v / (1 - 0.9**t)) ** 0.5 + 1e-3)
    assert model.weight.item() == pytest.approx(weight, rel=1e-5)


def test_frozen_parameters_are_left_alone() -> None:
    model = make_model()
    model[0].requires_grad_(False)
    trained = {id(p) for g in build_optimizer(model, TrainingConfig()).param_groups for p in g["params"]}
    assert trained == {id(p) for p in model[1:].parameters()}
