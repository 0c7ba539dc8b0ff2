from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.models.feedback import FeedbackMemory

SIZES: dict[str, Any] = {
    "name": "think", "block": "feedback", "d_model": 16, "n_heads": 4, "n_kv_heads": 2, "n_layers": 3, "d_ff": 24,
    "max_seq_len": 12, "init": "scaled",
}  # fmt: skip


def _model(**keys: Any) -> Decoder:
    model = build_model(ModelConfig(**{**SIZES, **keys}), 16, seed=0).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                weight.add_(0.3 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(len(name))))
    return model.double()


def _by_definition(model: Any, ids: list[int]) -> Tensor:
    """Logits [time, vocab] of one row, one token and one head at a time."""
    config, head_dim = model.config, 4
    shares = model.memory.layer_weights.softmax(0)
    remembered: list[tuple[Tensor, Tensor]] = []
    logits = []
    for position, token in enumerate(ids):
        x = model.embedding.weight[token] * config.d_model**0.5 + model.positions.table[position]
        levels = [x]
        for block in model.blocks:
            before = config.norm_place == "pre"
            if remembered:
                h = block.attention_norm(x) if before else x
                queries = block.query(h).view(config.n_heads, head_dim)
                gathered = []
                for head, query in enumerate(queries):
                    part = slice((head // 2) * head_dim, (head // 2 + 1) * head_dim)
                    scores = torch.stack([query @ key[part] for key, _ in remembered]) / head_dim**0.5
                    values = torch.stack([value[part] for _, value in remembered])
                    gathered.append(scores.softmax(0) @ values)
                x = x + block.out(torch.cat(gathered))
                x = x if before else block.attention_norm(x)
            x = x + block.mlp(block.mlp_norm(x)) if before else block.mlp_norm(x + block.mlp(x))
            levels.append(x)
        mixed = sum(share * level for share, level in zip(shares, levels, strict=True))
        key, value = model.memory.kv(mixed).chunk(2)
        remembered.append((key, value))
        logits.append(model.head(model.norm(x)))
    return torch.stack(logits)


@pytest.mark.row("S0-B8")
@pytest.mark.parametrize("norm_place", ["pre", "post"])
@torch.no_grad()
def test_every_layer_attends_to_the_weighted_sum_of_all_layers_of_earlier_tokens(norm_place: str) -> None:
    model = _model(norm_place=norm_place)
    ids = torch.randint(0, 16, (3, 8), generator=torch.Generator().manual_seed(0))
    got = model(ids)
    for row in range(3):
        torch.testing.assert_close(got[row], _by_definition(model, ids[row].tolist()))


@pytest.mark.row("S0-B8")
@torch.no_grad()
def test_the_first_real_token_attends_to_nothing_wherever_it_stands() -> None:
    model = _model()
    ids = torch.tensor([[9, 9, 3, 4], [3, 4, 5, 6]])
    got = model(ids, torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]]))
    torch.testing.assert_close(got[0, 2:], _by_definition(model, [3, 4]))
    for block in model.blocks:
        block.query.weight.fill_(7.0)
        block.out.weight.fill_(7.0)
    changed = model(ids, torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]]))
    torch.testing.assert_close(changed[0, 2], got[0, 2])
    torch.testing.assert_close(changed[1, 0], got[1, 0])
    assert not torch.allclose(changed[:, 3], got[:, 3], atol=0.1)


@pytest.mark.row("S0-B8")
def test_keys_and_values_are_shared_and_layers_start_with_equal_shares() -> None:
    model = build_model(ModelConfig(**SIZES), 16)
    assert isinstance(model.memory, FeedbackMemory)
    assert model.memory.layer_weights.softmax(0).tolist() == pytest.approx([1 / 4] * 4)
    assert not any("kv" in name or "key" in name for name, _ in model.blocks.named_parameters())
    assert len(model.new_cache(2).layers) == 1


def test_the_top_of_one_token_reaches_the_bottom_of_the_next() -> None:
    """The gradient of a later logit by the last block's weights is not zero where only that block's output is mixed."""
    model = _model()
    with torch.no_grad():
        model.memory.layer_weights.copy_(torch.tensor([-50.0, -50.0, -50.0, 50.0]))
    seen: list[Tensor] = []
    model.blocks[-1].register_forward_hook(lambda _, __, out: seen.append(out))
    model.blocks[0].register_forward_hook(lambda _, __, out: seen.append(out))
    model(torch.tensor([[1, 2]]))
    first_top, second_bottom = seen[1], seen[2]
    (gradient,) = torch.autograd.grad(second_bottom.sum(), first_top)
    assert gradient.abs().sum() > 1e-3
