from __future__ import annotations

from typing import Any

import pytest
import torch

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder

EOS = 2
KINDS: list[dict[str, Any]] = [
    {"name": "gpt2"},
    {"name": "llama2", "n_heads": 4, "n_kv_heads": 2},
    {"name": "mixtral"},
    {"name": "gpt2", "pos_encoding": "sinusoidal"},
]


def _model(keys: dict[str, Any], seed: int = 0) -> Decoder:
    sizes = {"d_model": 16, "n_heads": 2, "n_layers": 2, "max_seq_len": 24, "init": "scaled", "tie_weights": False}
    return build_model(ModelConfig(**{**sizes, **keys}), 18, seed=seed)


def _ids(batch: int, time: int) -> torch.Tensor:
    return torch.randint(3, 18, (batch, time), generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def _one_by_one(model: Decoder, prompt: torch.Tensor, n_new: int) -> list[int]:
    ids = prompt
    for _ in range(n_new):
        chosen = int(model(ids)[0, -1].argmax())
        ids = torch.cat([ids, torch.tensor([[chosen]])], dim=1)
        if chosen == EOS:
            break
    return ids[0, prompt.size(1) :].tolist()


@pytest.mark.row("S4-M5")
@pytest.mark.parametrize("keys", KINDS, ids=str)
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_of_padded_prompts_is_continued_as_each_prompt_alone(keys: dict[str, Any], side: str) -> None:
    model = _model(keys).eval()
    prompts = [_ids(1, 7)[:, :n] for n in (7, 2, 5, 4)]
    ids, mask = torch.zeros(4, 7, dtype=torch.long), torch.zeros(4, 7, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        n = prompt.size(1)
        columns = slice(0, n) if side == "right" else slice(7 - n, 7)
        ids[row, columns], mask[row, columns] = prompt, True
    out = model.generate(ids, 10, EOS, mask)
    assert torch.equal(out[:, :7], ids)
    for row, prompt in enumerate(prompts):
        expected = _one_by_one(model, prompt, 10)
        written = out[row, 7:].tolist()
        assert written[: len(expected)] == expected
        assert set(written[len(expected) :]) <= {EOS}


def test_generation_stops_when_every_row_is_done() -> None:
    model = _model({"name": "gpt2"})
    model.head.weight.data.zero_()  # all logits equal: the first id, 0, is chosen
    assert model.generate(_ids(2, 3), 5, eos_id=0)[:, 3:].tolist() == [[0], [0]]
    assert model.generate(_ids(2, 3), 5, eos_id=EOS)[:, 3:].tolist() == [[0] * 5] * 2


@pytest.mark.bug("S4-5")
def test_generation_stops_at_the_end_of_the_context() -> None:
    model = _model({"name": "llama2"})
    model.head.weight.data.zero_()
    assert model.generate(_ids(1, 20), 100, EOS).shape == (1, 24)
    assert model.generate(_ids(1, 24), 100, EOS).shape == (1, 24)
    with pytest.raises(UserError, match="prompt of 25 tokens is longer than the model's max_seq_len of 24"):
        model.generate(_ids(1, 25), 1, EOS)


def test_generation_leaves_the_model_in_the_mode_it_was_in() -> None:
    model = _model({"name": "gpt2", "dropout": 0.5})
    first = model.generate(_ids(2, 3), 8, EOS)
    assert model.training
    assert torch.equal(model.generate(_ids(2, 3), 8, EOS), first)  # no dropout
    model.eval()
    model.generate(_ids(2, 3), 2, EOS)
    assert not model.training


def test_no_rows_and_no_tokens_are_fine() -> None:
    model = _model({"name": "gpt2"})
    assert model.generate(_ids(0, 3), 4, EOS).shape == (0, 3)
    assert model.generate(_ids(2, 3), 0, EOS).shape == (2, 3)
