from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.models.flat import FlatParameters
from longhand.training.adopt import Adopt
from longhand.training.config import TrainingConfig
from longhand.training.run_config import RunConfig


def make_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4), nn.Linear(4, 3)).double()


class Reference:
    """Algorithm 2 of the paper, one number at a time, with lists."""

    def __init__(self, weights: Sequence[Tensor], betas: tuple[float, float], eps: float, decays: list[float]) -> None:
        self.weights = [weight.detach().flatten().tolist() for weight in weights]
        self.betas, self.eps, self.decays = betas, eps, decays
        self.m = [[0.0] * len(w) for w in self.weights]
        self.v: list[list[float]] = []
        self.t = 0

    def step(self, gradients: Sequence[Tensor], rate: float) -> None:
        given = [gradient.flatten().tolist() for gradient in gradients]
        if self.t == 0:
            self.v = [[g * g for g in gradient] for gradient in given]
        else:
            bound = self.t**0.25
            for i, gradient in enumerate(given):
                for j, g in enumerate(gradient):
                    normed = min(max(g / max(self.v[i][j] ** 0.5, self.eps), -bound), bound)
                    self.m[i][j] = self.betas[0] * self.m[i][j] + (1 - self.betas[0]) * normed
                    self.weights[i][j] -= rate * self.decays[i] * self.weights[i][j]
                    self.weights[i][j] -= rate * self.m[i][j]
                    self.v[i][j] = self.betas[1] * self.v[i][j] + (1 - self.betas[1]) * g * g
        self.t += 1


@pytest.mark.row("S0-B12")
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**31), vectors=st.booleans())
def test_a_hundred_steps_are_those_of_the_paper(seed: int, vectors: bool) -> None:
    model = make_model()
    config = TrainingConfig(optimizer="adopt", weight_decay=0.1, decay_vectors=vectors)
    optimizer = Adopt(FlatParameters(model), config)
    parameters = list(model.parameters())
    decays = [0.1 if p.dim() > 1 or vectors else 0.0 for p in parameters]
    reference = Reference(parameters, (0.9, 0.9999), 1e-6, decays)
    generator = torch.Generator().manual_seed(seed)
    for step in range(100):
        gradients = [torch.randn(p.shape, dtype=p.dtype, generator=generator) ** 3 for p in parameters]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            assert parameter.grad is not None
            parameter.grad.copy_(gradient)
        rate = 0.02 * (1 - step / 200)
        optimizer.step(rate)
        reference.step(gradients, rate)
    assert optimizer.steps == 100
    for parameter, expected in zip(parameters, reference.weights, strict=True):
        assert parameter.flatten().tolist() == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.row("S0-B12")
def test_the_first_step_moves_nothing_and_the_second_by_the_rate_at_most() -> None:
    model = make_model()
    optimizer = Adopt(FlatParameters(model), TrainingConfig(optimizer="adopt", weight_decay=0.0))
    before = [p.detach().clone() for p in model.parameters()]
    for size, largest in ((1e-3, 0.0), (1e3, 0.1 * 0.1)):  # of the second, a million times larger, 1 - beta1 counts
        for parameter in model.parameters():
            assert parameter.grad is not None
            parameter.grad.fill_(size)
        optimizer.step(0.1)
        moved = max((p - old).abs().max().item() for p, old in zip(model.parameters(), before, strict=True))
        assert moved == pytest.approx(largest)


def test_a_state_goes_on_where_it_was_kept() -> None:
    whole, half = make_model(), make_model()
    optimizers = [Adopt(FlatParameters(m), TrainingConfig(optimizer="adopt")) for m in (whole, half)]

    def step(model: nn.Module, optimizer: Adopt, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        for parameter in model.parameters():
            assert parameter.grad is not None
            parameter.grad.copy_(torch.randn(parameter.shape, generator=generator))
        optimizer.step(0.01)

    for seed in range(6):
        step(whole, optimizers[0], seed)
        if seed < 3:
            step(half, optimizers[1], seed)
    resumed = Adopt(FlatParameters.of(half), TrainingConfig(optimizer="adopt"))
    resumed.load_state_dict(optimizers[1].state_dict())
    for seed in range(3, 6):
        step(half, resumed, seed)
    for a, b in zip(whole.parameters(), half.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.row("S0-B12")
def test_it_comes_with_the_betas_of_its_paper_unless_others_are_given() -> None:
    config = TrainingConfig(optimizer="adopt")
    assert (config.betas, config.eps) == ((0.9, 0.9999), 1e-6)
    assert TrainingConfig(**config.model_dump()) == config
    assert TrainingConfig(optimizer="adopt", betas=(0.8, 0.9)).betas == (0.8, 0.9)
    assert (TrainingConfig().betas, TrainingConfig().eps) == ((0.9, 0.999), 1e-8)
    with pytest.raises(UserError, match="muon_learning_rate has no effect with optimizer: adopt"):
        RunConfig.from_dict({"training": {"optimizer": "adopt", "muon_learning_rate": 0.1}})
