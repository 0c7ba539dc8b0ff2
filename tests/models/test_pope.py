from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from longhand.models.masks import CausalBias
from longhand.models.pope import PolarAttention, PolarPositions

HEADS, KV_HEADS, HEAD_DIM, TIME = 4, 2, 3, 6


def _attention() -> PolarAttention:
    torch.manual_seed(0)
    attention = PolarAttention(HEADS * HEAD_DIM, HEADS, KV_HEADS, bias=True, dropout=0.0).double()
    with torch.no_grad():
        attention.phase_bias.uniform_(-2 * math.pi, 0)
    return attention


def _scores(attention: PolarAttention, x: Tensor, first: int = 0) -> Tensor:
    """Scores [heads, time, time] of one sequence that begins at position `first`."""
    table = PolarPositions(40, HEAD_DIM, 10_000.0).double()
    q, k, _ = attention._project(x[None], table(slice(first, first + len(x))), len(x))
    return (q @ k.repeat_interleave(HEADS // KV_HEADS, 0).mT)[:, 0] * q.size(-1) ** -0.5


@pytest.mark.row("S0-B10")
@torch.no_grad()
def test_a_score_is_the_sum_of_lengths_times_the_cosine_of_distance_and_bias() -> None:
    attention, x = _attention(), torch.randn(TIME, HEADS * HEAD_DIM, dtype=torch.float64)
    heads = attention.qkv(x).view(TIME, -1, HEAD_DIM)
    got = _scores(attention, x)
    for h in range(HEADS):
        kv = h // (HEADS // KV_HEADS)
        for t in range(TIME):
            for s in range(TIME):
                expected = 0.0
                for c in range(HEAD_DIM):
                    lengths = F.softplus(heads[t, h, c]) * F.softplus(heads[s, HEADS + kv, c])
                    theta = 10_000.0 ** (-c / HEAD_DIM)
                    delta = attention.phase_bias.view(KV_HEADS, HEAD_DIM)[kv, c]
                    expected += float(lengths * torch.cos((s - t) * theta + delta))
                assert got[h, t, s].item() == pytest.approx(expected / math.sqrt(2 * HEAD_DIM), abs=1e-6)


@pytest.mark.row("S0-B10")
def test_scores_depend_on_distance_only() -> None:
    attention, x = _attention(), torch.randn(TIME, HEADS * HEAD_DIM, dtype=torch.float64)
    torch.testing.assert_close(_scores(attention, x), _scores(attention, x, first=30), rtol=0, atol=1e-5)


@pytest.mark.row("S0-B10")
def test_the_bias_stays_within_a_turn() -> None:
    attention, x = _attention(), torch.randn(TIME, HEADS * HEAD_DIM, dtype=torch.float64)
    with torch.no_grad():
        attention.phase_bias.fill_(0.7)
        above = _scores(attention, x)
        attention.phase_bias.fill_(0.0)
        torch.testing.assert_close(above, _scores(attention, x))
        attention.phase_bias.fill_(-9.0)
        below = _scores(attention, x)
        attention.phase_bias.fill_(-2 * math.pi)
        torch.testing.assert_close(below, _scores(attention, x))


def test_queries_of_the_last_tokens_alone_are_the_same() -> None:
    attention, x = _attention(), torch.randn(2, TIME, HEADS * HEAD_DIM, dtype=torch.float64)
    where = PolarPositions(40, HEAD_DIM, 10_000.0).double()(slice(0, TIME))
    bias = CausalBias(40).double()(TIME, TIME)
    whole = attention(x, bias, where, None, TIME)
    torch.testing.assert_close(attention(x, bias[-2:], where, None, 2), whole[:, -2:])
