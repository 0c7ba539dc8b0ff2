"""The native kernels decode what the reference decoder decodes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.native.library import load
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.decoding import Written, decode_batch
from longhand.solvers.native import NativeDecoding, why_not_native
from longhand.solvers.sampling import greedy
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

pytestmark = pytest.mark.skipif(load() is None, reason="no native kernels: no compiler when longhand was installed")

VOCAB, EOS, CONTEXT = 7, 2, 24


@st.composite
def models(draw: st.DrawFn) -> Decoder:
    head_width, n_heads = draw(st.sampled_from([4, 6, 8, 16])), draw(st.sampled_from([1, 2, 4]))
    swiglu = draw(st.booleans())
    config = ModelConfig(
        name="gpt2",
        d_model=head_width * n_heads,
        n_heads=n_heads,
        n_kv_heads=draw(st.sampled_from([n for n in (1, 2, 4) if n_heads % n == 0])),
        n_layers=draw(st.integers(1, 3)),
        d_ff=draw(st.sampled_from([10, 32, 70])),
        max_seq_len=CONTEXT,
        norm=draw(st.sampled_from(["layernorm", "rmsnorm"])),
        mlp="swiglu" if swiglu else draw(st.sampled_from(["relu", "gelu"])),
        pos_encoding=draw(st.sampled_from(["learned", "sinusoidal", "rope", "none"])),
        tie_weights=draw(st.booleans()),
        attention_bias=draw(st.booleans()),
        mlp_bias=draw(st.booleans()),
        init_std=0.3,
    )
    model = build_model(config, VOCAB, seed=draw(st.integers(0, 2**31))).eval()
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return model


prompt_lists = st.lists(
    st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=12).map(tuple), min_size=1, max_size=40
)


def reference(model: Decoder, prompts: list[tuple[int, ...]], limit: int) -> list[Written]:
    """Every prompt alone, so that no padding is involved."""
    return [
        decode_batch(model, [list(p)], lambda logits, rows: greedy(logits), limit=limit, eos_id=EOS, pad_id=0)[0]
        for p in prompts
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


@settings(max_examples=60, deadline=None)
@given(models(), prompt_lists, st.integers(1, 13))
def test_tokens_and_their_chances_are_those_of_the_reference(
    model: Decoder, prompts: list[tuple[int, ...]], limit: int
) -> None:
    assert why_not_native(model) is None
    ours = NativeDecoding(model).decode(prompts, [limit] * len(prompts), EOS)
    theirs = reference(model, prompts, limit)
    assert all(agree(a, b, 1e-4) for a, b in zip(ours, theirs, strict=True))
    same = sum(a.token_ids == b.token_ids for a, b in zip(ours, theirs, strict=True))
    assert same >= 0.9 * len(prompts) - 1
    for written in ours:
        assert written.stopped == (written.token_ids[-1] == EOS)
        assert EOS not in written.token_ids[:-1]
        assert len(written.token_ids) <= limit


@settings(max_examples=20, deadline=None)
@given(models(), prompt_lists)
def test_company_and_order_change_nothing(model: Decoder, prompts: list[tuple[int, ...]]) -> None:
    decoding = NativeDecoding(model)
    together = decoding.decode(prompts, [6] * len(prompts), EOS)
    backwards = decoding.decode(prompts[::-1], [6] * len(prompts), EOS)[::-1]
    for prompt, one, other in zip(prompts, together, backwards, strict=True):
        (alone,) = decoding.decode([prompt], [6], EOS)
        assert one.token_ids == other.token_ids == alone.token_ids
        assert one.logprobs == other.logprobs == alone.logprobs


@settings(max_examples=20, deadline=None)
@given(models(), prompt_lists)
def test_in_bfloat16_chances_are_near_those_of_float32(model: Decoder, prompts: list[tuple[int, ...]]) -> None:
    exact = NativeDecoding(model).decode(prompts, [1] * len(prompts), EOS)
    rounded = NativeDecoding(model.bfloat16()).decode(prompts, [1] * len(prompts), EOS)
    for a, b in zip(exact, rounded, strict=True):
        assert b.logprobs[0] == pytest.approx(a.logprobs[0], abs=0.3)


def make_solver(engine: Any, **keys: Any) -> AutoregressiveSolver:
    config = ModelConfig(
        **{"name": "gpt2", "d_model": 16, "n_heads": 2, "n_layers": 2, "max_seq_len": 24, "init_std": 0.6, **keys}
    )
    words = vocabulary("mini18")
    return AutoregressiveSolver(build_model(config, len(words), seed=0), words, Format(), engine=engine)


def test_of_equals_the_first_is_written_by_every_engine() -> None:
    for engine in ("native", "torch"):
        solver = make_solver(engine)
        with torch.no_grad():
            solver.model.embedding.weight.zero_()
        (completion,) = solver.solve(["1+1="], max_new_tokens=3)
        assert completion.token_ids == (0, 0, 0)
        assert completion.logprobs == pytest.approx([-2.890372] * 3)  # ln(1/18)


def test_weights_that_change_are_seen() -> None:
    solver, other = make_solver("native"), make_solver("torch")
    assert solver.engine == "native"
    solver.solve(["1+1="])
    for one in (solver, other):
        with torch.no_grad():
            one.model.blocks[0].mlp.up.weight.mul_(-3)
    ours, theirs = solver.solve(["1+1=", "12-5="]), other.solve(["1+1=", "12-5="])
    assert [c.token_ids for c in ours] == [c.token_ids for c in theirs]
    solver.model.load_state_dict(make_solver("torch").model.state_dict())
    assert solver.solve(["1+1="])[0].token_ids == make_solver("torch").solve(["1+1="])[0].token_ids


def test_a_model_with_hooks_is_computed_by_its_modules() -> None:
    solver = make_solver("native")
    heard: list[int] = []
    handle = solver.model.blocks[1].register_forward_hook(lambda *_: heard.append(1))
    solver.solve(["1+1="])
    assert heard
    handle.remove()
    heard.clear()
    solver.solve(["1+1="])
    assert not heard


def test_what_cannot_be_decoded_natively_is_decoded_by_torch_or_refused_by_name() -> None:
    assert make_solver("auto", name="mixtral").engine == "torch"
    with pytest.raises(UserError, match=r"engine native cannot decode this model \(mlp: moe has no kernel\)"):
        make_solver("native", name="mixtral")
    assert "float32 or bfloat16" in str(why_not_native(make_solver("auto").model.double()))
