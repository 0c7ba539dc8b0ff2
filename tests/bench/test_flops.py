"""The formula counts what a plain model's matrix products do."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from longhand.bench.contenders.eager import Gpt
from longhand.bench.flops import decoding_flops, matrix_parameters, training_flops
from longhand.bench.spec import DecodeSpec, TrainSpec
from longhand.models.sizing import flops_per_token


class Counter:
    """Counts the operations of every product of a matrix with tokens, and of attention."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.operations = 0
        linear, attend = F.linear, F.scaled_dot_product_attention

        def counted_linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
            self.operations += 2 * x[..., 0].numel() * weight.numel()
            return linear(x, weight, bias)

        def counted_attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, **settings: bool) -> torch.Tensor:
            self.operations += 4 * q.numel() * k.size(-2)
            return attend(q, k, v, **settings)

        monkeypatch.setattr(F, "linear", counted_linear)
        monkeypatch.setattr(F, "scaled_dot_product_attention", counted_attend)
        assert nn.Linear(2, 3)(torch.zeros(5, 2)).shape == (5, 3)
        assert self.operations == 2 * 5 * 6
        self.operations = 0


@pytest.mark.parametrize("spec", [TrainSpec(32, 4, layers=2), TrainSpec(64, 3, layers=1, digits=5)])
def test_a_training_step_is_three_forward_passes(monkeypatch: pytest.MonkeyPatch, spec: TrainSpec) -> None:
    model = Gpt(spec.model_config(), spec.vocab_size)
    counter = Counter(monkeypatch)
    (batch,) = spec.batches(1)
    assert batch.input_ids.shape == (spec.batch, spec.tokens)
    assert batch.attention_mask.all()  # rows are equally long: no padding is computed
    model(torch.from_numpy(batch.input_ids))
    assert training_flops(spec) == 3 * counter.operations
    per_token = flops_per_token(spec.model_config(), spec.vocab_size, spec.tokens)
    assert training_flops(spec) == 3 * spec.batch * spec.tokens * per_token


def test_six_times_parameters_and_tokens() -> None:
    config = TrainSpec(128, 1).model_config()
    assert matrix_parameters(config) == 12 * 4 * 128**2


def test_answers_read_each_token_once() -> None:
    # One prompt of 9 tokens and 2 new ones: 10 are read, token i against i keys, and the head writes 2.
    spec = DecodeSpec(32, 1, layers=1, new_tokens=2)
    (prompt,) = spec.prompt_ids
    assert len(prompt) == 9
    blocks, attention, head = 10 * 12 * 32**2, 2 * 32 * sum(range(1, 11)), 2 * 32 * 18
    assert decoding_flops(spec) == 2 * (blocks + attention + head)
