from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.sizing import active_parameters, count_parameters, flops_per_token, weight_shapes

KINDS: list[dict[str, Any]] = [
    {"name": "gpt2"},
    {"name": "gpt2", "tie_weights": False, "attention_bias": True},
    {"name": "llama2", "n_kv_heads": 2},
    {"name": "mixtral", "d_model": 32, "n_layers": 2},
    {"name": "think", "n_loops": 3},
    {"name": "think", "block": "feedback", "n_kv_heads": 2},
    {"name": "mamba", "d_model": 24},
    {"name": "think", "pos_encoding": "pope", "n_kv_heads": 2},
    {"name": "gpt2", "softmax": "softmax1"},
    {"name": "looped", "n_loops": 3},
]


@pytest.mark.parametrize("keys", KINDS, ids=str)
def test_a_model_is_counted_without_being_built(keys: dict[str, Any]) -> None:
    config = ModelConfig(**keys)
    model = build_model(config, 18)
    assert count_parameters(config, 18) == model.num_parameters()
    assert {w.name: w.shape for w in weight_shapes(config, 18)} == {
        n: tuple(w.shape) for n, w in model.named_parameters()
    }


def test_counting_leaves_the_random_state_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    count_parameters(ModelConfig(), 18)
    assert torch.equal(torch.rand(2), expected)


def test_a_token_uses_only_the_experts_it_is_sent_to() -> None:
    config = ModelConfig(name="mixtral", d_model=32, n_heads=2, n_layers=2, d_ff=64, max_seq_len=20)
    assert count_parameters(config, 18) - active_parameters(config, 18) == 2 * 2 * 3 * 32 * 64
    assert active_parameters(ModelConfig(), 18) == count_parameters(ModelConfig(), 18)


@pytest.mark.parametrize("keys", KINDS, ids=str)
def test_the_operations_counted_are_those_performed(keys: dict[str, Any]) -> None:
    config = ModelConfig(**keys)
    model = build_model(config, 18).eval()
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(8, 12, dtype=torch.long))
    counted = counter.get_total_flops() / (8 * 12)  # no whole number where the first token skips a part
    assert flops_per_token(config, 18, 12) == pytest.approx(counted, abs=2)
