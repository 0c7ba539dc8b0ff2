from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.config_rules import COUNTS_DIGITS
from longhand.models.decoder import Decoder
from longhand.models.digit_positions import DigitDecoder
from longhand.models.fused import why_not_fused
from longhand.models.hugging_face import to_hugging_face
from longhand.numpy_gpt.fits import check_fits
from longhand.solvers.native import choose_engine
from longhand.text.layouts.registry import layout

WORDS = layout("sum").vocabulary
MAX_DIGITS = 12
each_kind = pytest.mark.parametrize("kind", COUNTS_DIGITS)
numbers = st.integers(0, 10**9)


def _config(kind: str, **keys: Any) -> ModelConfig:
    sizes: dict[str, Any] = {"d_model": 16, "n_heads": 2, "n_layers": 2, "max_seq_len": 48, "tie_weights": False}
    return ModelConfig(**{**sizes, "init": "scaled", "pos_encoding": kind, "max_digits": MAX_DIGITS, **keys})


def _model(kind: str, **keys: Any) -> DigitDecoder:
    model = build_model(_config(kind, **keys), len(WORDS), seed=0).eval()
    assert isinstance(model, DigitDecoder)
    return model


def _row(text: str, *, end: bool = False) -> list[int]:
    return [WORDS.id_of("bos"), *WORDS.encode(text), *([WORDS.id_of("eos")] if end else [])]


def _sum_row(a: int, b: int) -> list[int]:
    return _row(f"{a}+{b}={str(a + b)[::-1]}", end=True)


def _vectors(model: Decoder, rows: list[list[int]], mask: torch.Tensor | None = None) -> list[list[int]]:
    """Which vector is added to each token."""
    seen: list[torch.Tensor] = []
    handle = model.positions.register_forward_hook(lambda _, given, __: seen.append(given[0]))  # type: ignore[union-attr]
    model(torch.tensor(rows), mask)
    handle.remove()
    found: list[list[int]] = seen[0].tolist()
    return found


def _in_words(kind: str, a: str, b: str, c: str) -> list[int]:
    """The vectors of `<bos>a+b=c<eos>` as the papers tell them, number by number."""
    if kind == "abacus":
        return [0, *range(len(a), 0, -1), 0, *range(len(b), 0, -1), 0, *range(1, len(c) + 1), 0]
    return [0, *range(len(a) + 1, 0, -1), *range(len(b) + 1, 0, -1), *range(2, len(c) + 3)]


def test_the_vectors_of_a_sum() -> None:
    assert _vectors(_model("abacus"), [_row("95+7=201", end=True)]) == [[0, 2, 1, 0, 1, 0, 1, 2, 3, 0]]
    assert _vectors(_model("coupled"), [_row("95+7=201", end=True)]) == [[0, 3, 2, 1, 2, 1, 2, 3, 4, 5]]


@each_kind
@given(numbers, numbers)
@settings(max_examples=25)
def test_a_digit_has_the_vector_of_its_place_in_its_own_number(kind: str, a: int, b: int) -> None:
    c = str(a + b)[::-1]
    assert _vectors(_model(kind), [_sum_row(a, b)]) == [_in_words(kind, str(a), str(b), c)]


@each_kind
@given(numbers, numbers, st.lists(st.integers(1, 4), max_size=8))
@settings(max_examples=25)
@torch.no_grad()
def test_reading_an_answer_in_chunks_gives_the_logits_of_reading_at_once(
    kind: str, a: int, b: int, sizes: list[int]
) -> None:
    model, ids = _model(kind), torch.tensor([_sum_row(a, b)])
    prompt = len(_row(f"{a}+{b}="))
    cache = model.new_cache(1)
    parts = [model(ids[:, :prompt], kv_cache=cache)]
    while cache.length < ids.size(1):
        size = sizes.pop() if sizes else 1
        parts.append(model(ids[:, cache.length : cache.length + size], kv_cache=cache))
    torch.testing.assert_close(torch.cat(parts, dim=1), model(ids), rtol=0, atol=1e-5)


@each_kind
@pytest.mark.parametrize("side", ["left", "right"])
@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=4), st.integers(0, len(WORDS) - 1))
@settings(max_examples=25)
@torch.no_grad()
def test_padding_on_either_side_whatever_is_in_it_changes_nothing(
    kind: str, side: str, asked: list[tuple[int, int]], padding: int
) -> None:
    model = _model(kind)
    rows = [_sum_row(a, b) for a, b in asked]
    width = max(map(len, rows))
    gaps = [width - len(row) for row in rows]
    lefts = [gap if side == "left" else 0 for gap in gaps]
    ids = torch.full((len(rows), width), padding)
    mask = torch.zeros(len(rows), width, dtype=torch.bool)
    for index, (row, left) in enumerate(zip(rows, lefts, strict=True)):
        ids[index, left : left + len(row)] = torch.tensor(row)
        mask[index, left : left + len(row)] = True
    together = model(ids, mask)
    for index, (row, left) in enumerate(zip(rows, lefts, strict=True)):
        alone = model(torch.tensor([row]))[0]
        torch.testing.assert_close(together[index, left : left + len(row)], alone, rtol=0, atol=1e-5)


@each_kind
@torch.no_grad()
def test_a_padded_batch_is_continued_as_each_prompt_alone(kind: str) -> None:
    model = _model(kind, init="normal", init_std=0.6)
    prompts = [_row(text) for text in ("12+3=", "98765+4321=", "7+7=", "100+99999=")]
    width = max(map(len, prompts))
    ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    out = model.generate(ids, 10, WORDS.id_of("eos"), mask)[:, width:].tolist()
    assert len({tuple(written) for written in out}) > 2
    for written, prompt in zip(out, prompts, strict=True):
        row = list(prompt)
        for token in written:  # reading everything anew for every token
            row.append(int(model(torch.tensor([row]))[0, -1].argmax()))
            assert token == row[-1]
            if token == WORDS.id_of("eos"):
                break


@each_kind
@torch.no_grad()
def test_rows_can_be_selected_repeated_and_reordered(kind: str) -> None:
    model = _model(kind)
    rows = [_row(text) for text in ("9+9=8", "9+99=801"[:6], "5+55=06"[:6])]
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    cache = model.new_cache(3)
    model(ids, mask, kv_cache=cache)
    chosen = torch.tensor([2, 0, 0, 1])
    cache.select(chosen)
    one = torch.tensor([WORDS.encode("1")] * 4)
    after = model(one, kv_cache=cache)
    whole = model(torch.cat((ids[chosen], one), dim=1), torch.cat((mask[chosen], torch.ones(4, 1)), dim=1))
    torch.testing.assert_close(after[:, -1], whole[:, -1], rtol=0, atol=1e-5)


@each_kind
def test_logits_within_an_answer_depend_on_the_prompt_and_on_nothing_after_them(kind: str) -> None:
    model, ids = _model(kind), _sum_row(987, 654)
    whole = model(torch.tensor([ids]))
    for length in range(ids.index(model.layout.equals) + 1, len(ids)):
        torch.testing.assert_close(model(torch.tensor([ids[:length]]))[0, -1], whole[0, length - 1], rtol=0, atol=1e-5)


@each_kind
def test_in_training_a_row_is_moved_as_one_and_as_far_as_there_is_room_for(kind: str) -> None:
    model = _model(kind).train()
    torch.manual_seed(0)
    row = _sum_row(950, 72)
    still = _in_words(kind, "950", "72", "2201")
    moved = _vectors(model, [row] * 2000)
    shifts = set()
    for vectors in moved:
        steps = {after - before for after, before in zip(vectors, still, strict=True) if before > 0}
        assert len(steps) == 1  # all by the same number
        assert all(after == 0 for after, before in zip(vectors, still, strict=True) if before == 0)
        shifts |= steps
    assert shifts == set(range(MAX_DIGITS - 3))  # the answer may have four digits, and does here
    table = model.positions.weight  # type: ignore[union-attr]
    assert max(map(max, moved)) == len(table) - 1


@each_kind
def test_evaluation_moves_nothing_and_draws_nothing(kind: str) -> None:
    model = _model(kind)
    torch.manual_seed(0)
    assert _vectors(model, [_sum_row(9, 9)] * 50) == [_in_words(kind, "9", "9", "81")] * 50
    after = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(1))


@each_kind
def test_the_longest_operands_with_room_for_their_sum_are_read_and_longer_ones_refused(kind: str) -> None:
    for model in (_model(kind), _model(kind).train()):
        nines = "9" * (MAX_DIGITS - 1)
        assert max(_vectors(model, [_row(f"{nines}+1=")])[0]) >= len(nines)
        with pytest.raises(
            UserError, match=r"operands of 12 digits have sums of up to 13, and model\.max_digits is 12"
        ):
            model(torch.tensor([_row(f"9{nines}+1=")]))


@each_kind
@torch.no_grad()
def test_digits_that_are_in_no_answer_take_the_last_place(kind: str) -> None:
    model = _model(kind)
    endless = _row("1+1=" + "2" * 30)
    last = MAX_DIGITS + (kind == "coupled")
    assert _vectors(model, [endless])[0][-18:] == [last] * 18
    cache = model.new_cache(1)
    parts = [model(chunk, kv_cache=cache) for chunk in torch.tensor([endless]).split([20, 15], dim=1)]
    torch.testing.assert_close(torch.cat(parts, dim=1), model(torch.tensor([endless])), rtol=0, atol=1e-5)


@each_kind
def test_a_prompt_that_is_not_whole_is_refused_and_named(kind: str) -> None:
    model = _model(kind)
    rows = [_row("12+3="), _row("12+34")]
    with pytest.raises(UserError, match=rf"'12\+34' has no =, and pos_encoding: {kind} counts from the units"):
        model(torch.tensor(rows))
    with pytest.raises(UserError, match=r"'12\+3' has no ="):
        model(torch.tensor([rows[0][:-1]]), kv_cache=model.new_cache(1))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"max_digits": 5}, "max_digits has no effect with pos_encoding: learned"),
        ({"name": "mamba", "max_digits": 5}, "max_digits has no effect with block: ssm"),
        ({"pos_encoding": "abacus", "block": "feedback"}, "pos_encoding: abacus is not possible with block: feedback"),
        (
            {"pos_encoding": "coupled", "layout": "product"},
            "coupled counts the digits of sums, not of model.layout prod",
        ),
        ({"pos_encoding": "abacus", "rope_theta": 10.0}, "rope_theta has no effect with pos_encoding: abacus"),
        ({"name": "windowed", "pos_encoding": "coupled"}, "pos_encoding coupled is not possible with block: window"),
        ({"name": "mamba", "layout": "sum"}, "layout has no effect with block: ssm"),
    ],
)
def test_keys_without_meaning_are_refused_in_one_line(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as refused:
        ModelConfig(**keys)
    assert "\n" not in str(refused.value)


@each_kind
def test_a_saved_configuration_says_everything(kind: str) -> None:
    config = ModelConfig(pos_encoding=kind)
    assert (config.layout, config.max_digits) == ("sum", 100)
    assert ModelConfig(**config.model_dump(mode="json")) == config
    assert ModelConfig().max_digits is None


@each_kind
def test_only_torch_computes_it(kind: str) -> None:
    model = _model(kind)
    assert why_not_fused(model) == f"pos_encoding: {kind} has no kernel"
    with pytest.raises(UserError, match=f"native cannot decode this model .pos_encoding: {kind} has no kernel"):
        choose_engine(model, "native")
    with pytest.raises(UserError, match=f"numpy engine does not compute pos_encoding: {kind}"):
        check_fits(model.config)
    with pytest.raises(UserError, match=f"no Hugging Face class here has pos_encoding: {kind}"):
        to_hugging_face(model)


@each_kind
def test_a_vocabulary_of_another_size_is_refused(kind: str) -> None:
    with pytest.raises(UserError, match="set vocabulary: sum_rows"):
        build_model(_config(kind), 18)


@each_kind
def test_the_vector_of_every_place_learns(kind: str) -> None:
    model = _model(kind).train()
    torch.manual_seed(0)
    model(torch.tensor([_sum_row(99, 9)] * 500))[:, -4:].square().sum().backward()
    table = model.positions.weight  # type: ignore[union-attr]
    assert table.grad is not None
    assert bool(table.grad.any(dim=1).all())
