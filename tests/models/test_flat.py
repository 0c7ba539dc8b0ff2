from __future__ import annotations

import pytest
import torch
from torch import nn

from longhand.models.flat import FlatParameters


def make_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5), nn.Linear(5, 2, bias=False))


def test_values_stay_and_are_views_of_one_vector_matrices_first() -> None:
    model, same = make_model(), make_model()
    flat = FlatParameters(model)
    for ours, theirs in zip(model.parameters(), same.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    flat.weights[: flat.n_matrices].zero_()
    assert all(bool(p.any()) == (p.dim() == 1) for p in model.parameters() if p is not model[1].bias)


def test_gradients_of_autograd_arrive_in_the_vector() -> None:
    model = make_model()
    flat = FlatParameters(model)
    for _ in range(2):
        model(torch.ones(4, 3)).sum().backward()
    expected = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    assert torch.equal(flat.view(flat.gradients, "0.weight"), expected[0])
    flat.gradients.zero_()
    assert all(not p.grad.any() for p in model.parameters() if p.grad is not None)


def test_neighbours_come_as_one_and_strangers_do_not() -> None:
    model = nn.ModuleDict({name: nn.Linear(4, 4, bias=False) for name in ("a", "b", "c")})
    flat = FlatParameters(model)
    both = flat.view(flat.weights, "a.weight", "b.weight")
    assert torch.equal(both, torch.cat((model["a"].weight, model["b"].weight)))
    with pytest.raises(ValueError, match="side by side"):
        flat.view(flat.weights, "a.weight", "c.weight")


def test_a_model_is_laid_out_once_and_anew_after_it_was_converted() -> None:
    model = make_model()
    flat = FlatParameters.of(model)
    assert FlatParameters.of(model) is flat
    model.double()
    assert FlatParameters.of(model) is not flat
    assert FlatParameters.of(model).weights.dtype == torch.float64
