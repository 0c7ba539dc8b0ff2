from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.experts import Experts, Routing, balance_loss


def _experts(n_experts: int = 4, top_k: int = 2) -> Experts:
    experts = Experts(6, 10, n_experts=n_experts, top_k=top_k).double()
    generator = torch.Generator().manual_seed(0)
    for weight in experts.parameters():
        weight.data.normal_(generator=generator)
    return experts


def _token_by_token(experts: Experts, x: torch.Tensor) -> torch.Tensor:
    out = torch.zeros_like(x)
    for b in range(x.size(0)):
        for t in range(x.size(1)):
            token = x[b, t]
            probabilities = experts.router(token).softmax(0)
            top, chosen = probabilities.topk(experts.top_k)
            for share, e in zip(top / top.sum(), chosen.tolist(), strict=True):
                hidden = F.silu(experts.gate[e] @ token) * (experts.up[e] @ token)
                out[b, t] += share * (hidden @ experts.down[e])
    return out


@pytest.mark.row("S4-M4", "S4-X1")
@pytest.mark.parametrize("top_k", [1, 2, 4])
@pytest.mark.parametrize("time", [5, 50])  # few tokens run all experts, many are grouped by expert
def test_a_token_is_the_weighted_sum_of_its_experts(top_k: int, time: int) -> None:
    experts = _experts(top_k=top_k)
    x = torch.randn(3, time, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(experts(x), _token_by_token(experts, x))


def test_both_ways_of_mixing_have_the_same_gradients() -> None:
    experts = _experts()
    x = torch.randn(3, 50, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    together = torch.autograd.grad(experts(x).square().sum(), list(experts.parameters()))
    apart = [torch.zeros_like(gradient) for gradient in together]
    for row in x.split(10, dim=1):
        parts = torch.autograd.grad(experts(row).square().sum(), list(experts.parameters()))
        apart = [total + part for total, part in zip(apart, parts, strict=True)]
    for one, other in zip(together, apart, strict=True):
        assert torch.allclose(one, other)


def test_experts_without_tokens_do_no_harm() -> None:
    experts = _experts(top_k=1)
    experts.router.weight.data.zero_()
    experts.router.weight.data[2] = 1.0
    x = torch.ones(1, 100, 6, dtype=torch.float64)
    out = experts(x)
    out.sum().backward()
    assert torch.allclose(out, _token_by_token(experts, x))
    assert experts.gate.grad is not None
    assert experts.gate.grad[2].any()
    assert not experts.gate.grad[:2].any()


@pytest.mark.row("S4-M4", "S4-X1")
def test_even_routing_has_the_least_balance_loss() -> None:
    even = Routing(torch.full((1, 4, 4), 0.25), torch.tensor([[[0, 1], [2, 3], [0, 1], [2, 3]]]))
    assert balance_loss([even], None).item() == pytest.approx(2.0)
    crowded = Routing(torch.tensor([0.7, 0.3, 0.0, 0.0]).expand(1, 4, 4), torch.tensor([0, 1]).expand(1, 4, 2))
    assert balance_loss([crowded], None).item() == pytest.approx(4.0)


def test_padding_and_dropped_tokens_do_not_count_in_the_balance() -> None:
    model = build_model(
        ModelConfig(name="mixtral", d_model=16, n_heads=2, n_layers=1, d_ff=8, init="scaled"), 18, seed=0
    )
    ids = torch.randint(0, 18, (2, 6), generator=torch.Generator().manual_seed(0))
    model(ids[:, :4])
    expected = model.auxiliary_loss()
    padded = torch.cat([ids[:, :4], torch.zeros(2, 3, dtype=torch.long)], dim=1)
    model(padded, torch.tensor([[1, 1, 1, 1, 0, 0, 0]]).expand(2, -1))
    assert torch.allclose(model.auxiliary_loss(), expected)
    model(padded)
    assert not torch.allclose(model.auxiliary_loss(), expected)
    model(ids[:, :4], logits_to_keep=2)
    last_two = model.auxiliary_loss()
    routing = model.blocks[0].mlp.routing
    assert routing.probabilities.shape == (2, 2, 4)
    assert torch.allclose(last_two, balance_loss([routing], None))


def test_only_models_with_experts_have_a_balance_loss() -> None:
    ids = torch.tensor([[1, 2, 3]])
    for name in ("gpt2", "llama2"):
        model = build_model(ModelConfig(name=name, d_model=16, n_layers=1), 18, seed=0)
        model(ids)
        assert model.auxiliary_loss() is None
    model = build_model(ModelConfig(name="mixtral", d_model=16, n_layers=2), 18, seed=0)
    assert model.auxiliary_loss() is None  # nothing was routed yet
    model(ids)
    loss = model.auxiliary_loss()
    assert loss is not None
    loss.backward()
    assert model.blocks[1].mlp.router.weight.grad.any()
