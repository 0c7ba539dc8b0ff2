from __future__ import annotations

import pytest
import torch

from longhand.models.attention import Attention, attend_explicitly, attend_fused
from longhand.models.masks import CausalBias

HEAD_DIM = 4


def _heads(n_heads: int, n_kv_heads: int, batch: int, time: int, total: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(n_heads, batch, time), (n_kv_heads, batch, total), (n_kv_heads, batch, total)]
    return [torch.randn(*shape, HEAD_DIM, dtype=torch.float64, generator=generator) for shape in shapes]


def _one_by_one(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Attention from its definition, one query at a time."""
    n_heads, batch, time, head_dim = q.shape
    group = n_heads // k.size(0)
    out = torch.zeros(batch, time, n_heads, head_dim, dtype=q.dtype)
    for b in range(batch):
        row_bias = bias if bias.dim() == 2 else bias[b]
        for h in range(n_heads):
            for t in range(time):
                scores = k[h // group, b] @ q[h, b, t] / head_dim**0.5 + row_bias[t]
                out[b, t, h] = scores.softmax(0) @ v[h // group, b]
    return out.flatten(2)


@pytest.mark.parametrize("attend", [attend_explicitly, attend_fused])
@pytest.mark.parametrize("n_kv_heads", [1, 2, 4])
@pytest.mark.parametrize(("time", "total"), [(5, 5), (2, 5), (1, 5), (40, 40), (3, 40), (1, 40)])
def test_attention_is_its_definition(attend: object, n_kv_heads: int, time: int, total: int) -> None:
    q, k, v = _heads(4, n_kv_heads, 2, time, total)
    bias = CausalBias(64).double()(time, total)
    assert callable(attend)
    assert torch.allclose(attend(q, k, v, bias, 0.0), _one_by_one(q, k, v, bias))


@pytest.mark.parametrize("attend", [attend_explicitly, attend_fused])
@pytest.mark.parametrize("n_kv_heads", [2, 4])
@pytest.mark.parametrize("total", [6, 40])
def test_padding_is_out_of_sight(attend: object, n_kv_heads: int, total: int) -> None:
    q, k, v = _heads(4, n_kv_heads, 2, total, total)
    real = torch.ones(2, total, dtype=torch.bool)
    real[0, :3] = False
    bias = CausalBias(64).double().padded(real, total)
    assert callable(attend)
    seen = attend(q, k, v, bias, 0.0)
    assert torch.allclose(seen, _one_by_one(q, k, v, bias))
    assert torch.isfinite(seen).all()
    k[:, 0, :3] += 100.0
    v[:, 0, :3] += 100.0
    assert torch.equal(attend(q, k, v, bias, 0.0)[:, 3:], seen[:, 3:])


@pytest.mark.parametrize("total", [6, 40])
def test_dropout_of_attention_weights_keeps_their_mean(total: int) -> None:
    q, k, _ = _heads(2, 2, 500, total, total)
    v = torch.ones_like(k)
    torch.manual_seed(0)
    gathered = attend_explicitly(q, k, v, CausalBias(64).double()(total, total), 0.25)
    assert gathered.std() > 0.1
    assert gathered.mean().item() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("bias", [False, True])
def test_keys_and_values_are_shared_by_consecutive_query_heads(bias: bool) -> None:
    attention = Attention(16, 4, 2, bias=bias, dropout=0.0)
    assert attention.qkv.weight.shape == ((4 + 2 + 2) * 4, 16)
    assert (attention.qkv.bias is not None) == bias
    x = torch.randn(3, 5, 16, generator=torch.Generator().manual_seed(0))
    triangle = CausalBias(8)(5, 5)
    full = attention(x, triangle, None, None, 5)
    tail = attention(x, triangle[-2:], None, None, 2)
    assert torch.allclose(full[:, -2:], tail, atol=1e-6)
