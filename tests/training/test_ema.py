from __future__ import annotations

import torch
from torch import nn

from longhand.models.flat import FlatParameters
from longhand.training.ema import WeightAverage


def test_the_average_follows_its_formula() -> None:
    model = nn.Linear(3, 2)
    average = WeightAverage(model, FlatParameters(model), decay=0.5)
    expected = [p.detach().clone() for p in model.parameters()]
    for update in range(1, 12):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(1.0)
        average.update()
        decay = min(0.5, (1 + update) / (10 + update))
        expected = [e * decay + p.detach() * (1 - decay) for e, p in zip(expected, model.parameters(), strict=True)]
    for got, want in zip(average.model.parameters(), expected, strict=True):
        torch.testing.assert_close(got, want)


def test_weights_that_stand_still_are_their_own_average() -> None:
    model = nn.Linear(3, 2)
    average = WeightAverage(model, FlatParameters(model), decay=0.999)
    for _ in range(5):
        average.update()
    assert torch.equal(average.model.weight, model.weight)


def test_the_average_shares_nothing_with_the_model_and_learns_nothing() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)).train()
    average = WeightAverage(model, FlatParameters(model), decay=0.9)
    with torch.no_grad():
        model[0].weight.zero_()
    assert average.model[0].weight.abs().sum() > 0
    assert not average.model.training
    assert model.training
    assert not any(p.requires_grad for p in average.model.parameters())
