from __future__ import annotations

from typing import Any

import pytest
import torch

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.models.recurrence import Recurrence

SIZES: dict[str, Any] = {"name": "looped", "d_model": 16, "n_heads": 2, "n_layers": 2, "max_seq_len": 12}
IDS = torch.randint(0, 16, (3, 9), generator=torch.Generator().manual_seed(0))


def _looped(**keys: Any) -> Decoder:
    return build_model(ModelConfig(**{**SIZES, **keys}), 16, seed=0)


def _recurrence(model: Decoder) -> Recurrence:
    assert model.recurrence is not None
    return model.recurrence


@torch.no_grad()
def test_prelude_loop_and_coda_are_what_the_paper_writes_down() -> None:
    model = _looped(n_loops=3).eval()
    prelude, first, second, coda = model.blocks
    _, reading = model._place(IDS, None, None, 9)

    def through(block: torch.nn.Module, h: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = block(h, reading, None, 9)
        return result

    e = through(prelude, model.embedding(IDS))
    s = torch.zeros_like(e)
    for _ in range(3):
        s = _recurrence(model).norm(through(second, through(first, s + e)))
    expected = model.norm(through(coda, s)) @ model.embedding.weight.T
    torch.testing.assert_close(model(IDS), expected)
    assert model.config.depth == 1 + 3 * 2 + 1


def test_the_passes_can_be_chosen_when_it_answers_and_the_weights_stay() -> None:
    model, deep = _looped(n_loops=2).eval(), _looped(n_loops=5).eval()
    assert model.num_parameters() == deep.num_parameters()
    deep.load_state_dict(model.state_dict())
    short = model(IDS)
    _recurrence(model).n_loops = 5
    assert torch.equal(model(IDS), deep(IDS))
    assert len(model.new_cache(3).layers) == 1 + 5 * 2 + 1
    written = model.generate(IDS[:, :4], 5, eos_id=-1)
    assert torch.equal(written, deep.generate(IDS[:, :4], 5, eos_id=-1))
    _recurrence(model).n_loops = 2
    assert torch.equal(model(IDS), short)
    assert not torch.allclose(short, deep(IDS), atol=1e-4)
    with pytest.raises(UserError, match=r"^n_loops is 0; a loop is passed at least once$"):
        _recurrence(model).n_loops = 0


def test_a_cache_remembers_how_many_passes_it_is_for() -> None:
    model = _looped(n_loops=4).eval()
    expected = model(IDS)
    cache = model.new_cache(3)
    first = model(IDS[:, :5], kv_cache=cache)
    _recurrence(model).n_loops = 2
    rest = model(IDS[:, 5:], kv_cache=cache)
    assert torch.allclose(torch.cat([first, rest], dim=1), expected, atol=1e-5)


def test_in_training_the_passes_are_drawn_around_their_mean() -> None:
    model = _looped(n_loops=8)
    torch.manual_seed(0)
    drawn = [_recurrence(model)._draw() for _ in range(4000)]
    assert min(drawn) >= 1
    assert sum(drawn) / len(drawn) == pytest.approx(8, abs=0.25)
    assert len(set(drawn)) > 15
    assert model.draws_in_training
    torch.manual_seed(0)
    assert [_recurrence(model)._draw() for _ in range(4000)] == drawn
    model.eval()
    assert {_recurrence(model)._draw() for _ in range(20)} == {8}
    fixed = _looped(n_loops=8, random_loops=False)
    assert {_recurrence(fixed)._draw() for _ in range(20)} == {8}
    assert not fixed.draws_in_training


def test_gradients_go_back_through_the_last_passes_only_where_asked() -> None:
    graded: dict[int | None, int] = {}
    gradients: dict[int | None, torch.Tensor] = {}
    for last in (None, 1, 3):
        model = _looped(n_loops=6, random_loops=False, loops_with_gradient=last)
        calls: list[bool] = []
        model.blocks[1].register_forward_hook(lambda *_, calls=calls: calls.append(torch.is_grad_enabled()))
        model(IDS).square().mean().backward()
        assert len(calls) == 6
        graded[last] = sum(calls)
        assert all(weight.grad is not None and weight.grad.abs().max() > 0 for weight in model.parameters())
        gradient = model.blocks[1].attention.out.weight.grad  # type: ignore[union-attr]
        assert isinstance(gradient, torch.Tensor)
        gradients[last] = gradient
    assert graded == {None: 6, 1: 1, 3: 3}
    assert not torch.allclose(gradients[None], gradients[3])
    assert not torch.allclose(gradients[3], gradients[1])


@torch.no_grad()
def test_the_state_keeps_its_size_however_often_the_loop_is_passed() -> None:
    model = _looped().eval()
    _recurrence(model).n_loops = 100
    assert model(IDS).isfinite().all()
    assert model(IDS).abs().max() < 100


def test_digits_may_be_counted_in_a_loop_too() -> None:
    model = build_model(
        ModelConfig(name="looped", d_model=16, n_heads=2, n_layers=1, n_loops=2, pos_encoding="abacus", max_digits=9),
        15,
        seed=0,
    )
    assert isinstance(model.recurrence, Recurrence)
