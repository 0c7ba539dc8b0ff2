from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from longhand.models.attention import attend_explicitly
from longhand.models.masks import CausalBias
from longhand.models.softmax1 import softmax1

scores = st.lists(st.floats(-30, 30), min_size=1, max_size=6)


@pytest.mark.row("S0-B11")
@given(scores)
def test_it_is_its_definition_and_gives_away_less_than_everything(row: list[float]) -> None:
    weights = softmax1(torch.tensor([row], dtype=torch.float64), 1)[0].tolist()
    total = 1 + sum(math.exp(x) for x in row)
    assert weights == pytest.approx([math.exp(x) / total for x in row], rel=1e-9)
    assert sum(weights) <= 1 - 0.5 / total


@pytest.mark.row("S0-B11")
@pytest.mark.parametrize("dim", [0, 1])
def test_no_score_overflows_and_nothing_in_sight_gets_nothing(dim: int) -> None:
    huge = torch.tensor([[1e4, 1e4 - 1.0, -torch.inf], [-1e4, -torch.inf, -1e4], [-torch.inf] * 3])
    weights = softmax1(huge if dim == 1 else huge.T, dim)
    weights = weights if dim == 1 else weights.T
    assert weights[0].tolist() == pytest.approx([1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1)), 0.0], rel=1e-3)
    assert not weights[1:].any()
    assert torch.isfinite(weights).all()


def test_gradients_are_those_of_finite_differences() -> None:
    x = torch.randn(2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: softmax1(x, 1), (x,))


@pytest.mark.parametrize(("time", "total"), [(5, 5), (1, 5), (40, 40)])
def test_attention_with_it_is_attention_to_one_more_token_of_zeros(time: int, total: int) -> None:
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(4, 2, time, 6, generator=generator, dtype=torch.float64)
    k, v = torch.randn(2, 2, 2, total, 6, generator=generator, dtype=torch.float64)
    bias = CausalBias(64).double()(time, total)
    zeros = torch.zeros(2, 2, 1, 6, dtype=torch.float64)
    more = torch.cat((torch.zeros(time, 1, dtype=torch.float64), bias), dim=1)
    expected = attend_explicitly(q, torch.cat((zeros, k), 2), torch.cat((zeros, v), 2), more, 0.0)
    torch.testing.assert_close(attend_explicitly(q, k, v, bias, 0.0, "softmax1"), expected)
