"""The native kernels decode what the reference decoder decodes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.solvers.random_models import CONTEXT, EOS, VOCAB, models

from longhand.models.decoder import Decoder
from longhand.native.library import load
from longhand.solvers.decoding import decode_batch
from longhand.solvers.native import NativeDecoding, why_not_native
from longhand.solvers.sampling import greedy, sample
from longhand.solvers.text_solver import Written

pytestmark = pytest.mark.skipif(load() is None, reason="no native kernels: no compiler when longhand was installed")

Prompt = tuple[int, ...]

prompt_lists = st.lists(
    st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=12).map(tuple), min_size=1, max_size=40
)
limit_lists = st.lists(st.integers(1, CONTEXT - 12 + 1), min_size=40, max_size=40)
drawings = st.tuples(st.floats(0.1, 3.0), st.sampled_from([None, 1, 3, VOCAB + 5]), st.integers(0, 2**31))


def reference(model: Decoder, prompts: list[Prompt], limits: list[int]) -> list[Written]:
    """Every prompt alone, so that no padding is involved."""
    return [
        decode_batch(model, [list(p)], lambda logits, rows: greedy(logits), limit=limit, eos_id=EOS, pad_id=0)[0]
        for p, limit in zip(prompts, limits, strict=False)
    ]


def agree(ours: Written, theirs: Written, tolerance: float) -> bool:
    """The same tokens up to the first whose choice rounding could have decided."""
    for index, (a, b) in enumerate(zip(ours.token_ids, theirs.token_ids, strict=False)):
        close = abs(ours.logprobs[index] - theirs.logprobs[index]) <= tolerance * (1 + abs(theirs.logprobs[index]))
        if not close:
            return False
        if a != b:
            return True  # equally likely, as far as rounding can tell
    return len(ours.token_ids) == len(theirs.token_ids)


@settings(max_examples=80)
@given(models(), prompt_lists, limit_lists)
def test_tokens_and_their_chances_are_those_of_the_reference(
    model: Decoder, prompts: list[Prompt], limits: list[int]
) -> None:
    assert why_not_native(model) is None
    ours = NativeDecoding(model).decode(prompts, limits[: len(prompts)], EOS)
    theirs = reference(model, prompts, limits)
    assert all(agree(a, b, 1e-4) for a, b in zip(ours, theirs, strict=True))
    same = sum(a.token_ids == b.token_ids for a, b in zip(ours, theirs, strict=True))
    assert same >= 0.9 * len(prompts) - 1
    for written, limit in zip(ours, limits, strict=False):
        assert written.stopped == (written.token_ids[-1] == EOS)
        assert EOS not in written.token_ids[:-1]
        assert len(written.token_ids) == limit or written.stopped
        assert written.seconds > 0


@settings(max_examples=40)
@given(models(), prompt_lists, drawings)
def test_with_the_same_numbers_the_same_tokens_are_drawn(
    model: Decoder, prompts: list[Prompt], drawing: tuple[float, int | None, int]
) -> None:
    temperature, top_k, seed = drawing
    uniforms = torch.rand(len(prompts), 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    ours = NativeDecoding(model).decode(
        prompts, [6] * len(prompts), EOS, uniforms=uniforms.numpy(), temperature=temperature, top_k=top_k
    )
    same = 0
    for row, prompt in enumerate(prompts):
        numbers = iter(uniforms[row])

        def pick(logits: torch.Tensor, rows: torch.Tensor, numbers: object = numbers) -> torch.Tensor:
            return sample(logits, next(numbers)[None], temperature, top_k)  # type: ignore[call-overload]

        (theirs,) = decode_batch(model, [list(prompt)], pick, limit=6, eos_id=EOS, pad_id=0)
        same += ours[row].token_ids == theirs.token_ids
        if ours[row].token_ids == theirs.token_ids:
            assert ours[row].logprobs == pytest.approx(theirs.logprobs, rel=1e-4, abs=1e-4)
    assert same >= 0.95 * len(prompts) - 1  # a number may fall where rounding decides


@settings(max_examples=20)
@given(models(), prompt_lists, st.integers(1, 50), st.booleans())
def test_company_and_order_change_nothing(model: Decoder, prompts: list[Prompt], chunk: int, rounded: bool) -> None:
    decoding, n = NativeDecoding(model.bfloat16() if rounded else model), len(prompts)
    together = decoding.decode(prompts, [6] * n, EOS)
    backwards = decoding.decode(prompts[::-1], [6] * n, EOS, chunk=chunk)[::-1]
    for prompt, one, other in zip(prompts, together, backwards, strict=True):
        (alone,) = decoding.decode([prompt], [6], EOS)
        assert one.token_ids == other.token_ids == alone.token_ids
        assert one.logprobs == other.logprobs == alone.logprobs


@settings(max_examples=30)
@given(models(), prompt_lists)
def test_in_bfloat16_chances_are_near_those_of_float32(model: Decoder, prompts: list[Prompt]) -> None:
    exact = NativeDecoding(model).decode(prompts, [1] * len(prompts), EOS)
    rounded = NativeDecoding(model.bfloat16()).decode(prompts, [1] * len(prompts), EOS)
    for a, b in zip(exact, rounded, strict=True):
        assert b.logprobs[0] == pytest.approx(a.logprobs[0], abs=0.3)
