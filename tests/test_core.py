"""The six groups of tests that MiniLanguageModels documents: `python -m tests.test_core` runs them alone."""

from __future__ import annotations

import sys
from itertools import chain

import pytest
import torch

from longhand.arithmetic.problem import Problem
from longhand.data.batches import make_batch
from longhand.data.encode import encode_problems
from longhand.data.tokens import pad_rows
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.experts import Experts
from longhand.models.positions import RotaryPositions, rotate
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

MINI = vocabulary("mini18")
BEGIN, END, PAD = (MINI.id_of(role) for role in ("bos", "eos", "pad"))


@pytest.mark.row("S4-X1", "S4-V1")
@pytest.mark.parametrize("text", ["12+7=19", "999-1=998", "50*2=100", "100/5=20", "0+0=0", "<bos>1+2=3<eos>"])
def test_tokenizer_round_trip(text: str) -> None:
    ids = MINI.encode(text)
    assert MINI.decode(ids) == text
    assert set(ids) <= set(range(18))


@pytest.mark.row("S4-X1", "S4-V1")
def test_pad_batch() -> None:
    rows = [[BEGIN, *MINI.encode(text), END] for text in ("1+2=3", "99+99=198", "")]
    ids, mask = pad_rows(rows, PAD)
    assert ids.shape == mask.shape == (3, len(rows[1]))
    assert [row[real].tolist() for row, real in zip(ids, mask, strict=True)] == rows
    assert (ids[~mask] == PAD).all()
    assert mask.sum() == len(list(chain(*rows)))
    assert [array.shape for array in pad_rows([], PAD)] == [(0, 0)] * 2


@pytest.mark.row("S4-X1", "S4-V1")
def test_loss_mask() -> None:
    problems = [Problem((1, 2), ("+",)), Problem((3, 99), ("-",))]
    batch = make_batch(encode_problems(problems, Format(begin=True), MINI), "answer")
    for row, (question, answer) in enumerate((("<bos>1+2=", "3<eos>"), ("<bos>3-99=", "-96<eos>"))):
        counted = batch.weights[row] == 1
        assert MINI.decode(batch.targets[row][counted].tolist()) == answer
        n = len(MINI.encode(question))
        assert not batch.weights[row][: n - 1].any(), "nothing counts up to and including ="
        assert MINI.decode(batch.input_ids[row][:n].tolist()) == question


@pytest.mark.row("S4-X1", "S4-M3")
def test_rope_shapes() -> None:
    rope = RotaryPositions(max_seq_len=64, head_dim=32, theta=10_000.0)
    cos, sin = rotation = rope(slice(0, 16))
    assert cos.shape == sin.shape == (16, 32)
    queries = torch.randn(4, 2, 16, 32)  # heads, batch, time, channels
    turned = rotate(queries, rotation)
    assert turned.shape == queries.shape
    torch.testing.assert_close(turned.norm(dim=-1), queries.norm(dim=-1))
    torch.testing.assert_close(turned[:, :, 0], queries[:, :, 0])


@pytest.mark.row("S4-X1", "S4-M4")
def test_moe_shapes_choice_and_auxiliary_loss() -> None:
    config = ModelConfig(name="mixtral", d_model=64, d_ff=128, n_heads=4, n_layers=2, n_experts=4, top_k=2)
    model = build_model(config, 18, seed=0)
    experts = model.blocks[0].mlp
    assert isinstance(experts, Experts)
    x = torch.randn(2, 8, 64)
    assert experts(x).shape == x.shape
    assert experts.routing is not None
    assert experts.routing.chosen.shape == (2, 8, 2)
    assert all(len(set(pair)) == 2 for pair in experts.routing.chosen.flatten(0, 1).tolist())
    model(torch.arange(16).view(2, 8))
    auxiliary = model.auxiliary_loss()
    assert auxiliary is not None
    assert auxiliary.item() == pytest.approx(2.0, rel=0.1), "a fresh router uses all alike, which gives top_k"


@pytest.mark.row("S4-X1", "S4-M5")
@pytest.mark.parametrize("name", ["gpt2", "llama2", "mixtral"])
def test_forward_generate_and_count_of_each_model(name: str) -> None:
    sizes = {"d_model": 64, "n_heads": 4, "n_layers": 2, "d_ff": 128, "max_seq_len": 32}
    model = build_model(ModelConfig.model_validate({"name": name, **sizes}), 18, seed=0).eval()
    ids = torch.randint(0, 18, (2, 16))
    assert model(ids).shape == (2, 16, 18)
    assert model(ids, torch.ones_like(ids)).shape == (2, 16, 18)
    assert model.generate(ids, max_new_tokens=4, eos_id=END).shape[1] <= 20
    assert model.num_parameters() == sum(p.numel() for p in model.parameters())


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-n", "0", "-v"]))
