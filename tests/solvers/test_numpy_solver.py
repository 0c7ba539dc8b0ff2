"""The NumPy solver says what the torch solver of the same checkpoint says, and memory changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.numpy_gpt.tiny_models import VOCAB, configs, random_model

import longhand
from longhand.arithmetic.domain import Domain
from longhand.data.encode import encode_problems
from longhand.errors import UserError
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.suites import DomainSuite
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.numpy_gpt.parameters import initial_parameters
from longhand.runs.checkpoint import Checkpoint, save_checkpoint
from longhand.solvers.base import TeacherForced
from longhand.solvers.load import load
from longhand.solvers.numpy_solver import sample as sample_in_numpy
from longhand.solvers.sampling import sample
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

WORDS = vocabulary("unified")
DOMAIN = Domain(("+", "-", "*"), max_operand=12)
PROMPTS = ["1+1=", "99-9", "What is 12 + 34?", "7+", "86 - 11 =", "1+1=", "5*5="]


@pytest.fixture(params=["gelu", "relu"])
def checkpoint(request: pytest.FixtureRequest) -> Checkpoint:
    """An untrained model whose large weights make what it writes depend on the prompt, and how it was asked."""
    config = ModelConfig(
        d_model=16, n_heads=2, n_layers=2, max_seq_len=30, init_std=0.6, tie_weights=False, mlp=request.param
    )
    return Checkpoint(
        model=config.model_dump(mode="json"),
        weights=initial_parameters(config, len(WORDS), seed=3).weights,
        vocabulary=WORDS,
        format=Format(style="as_asked", reverse_answer=True),
        domain=DOMAIN,
    )


@pytest.fixture
def saved(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "model", checkpoint)
    return tmp_path / "model"


@pytest.mark.row("S1-I1", "S1-N1")
@pytest.mark.parametrize(
    "settings", [{}, {"temperature": 1.0, "seed": 4}, {"temperature": 0.7, "top_k": 3}, {"max_new_tokens": 2}]
)
def test_it_writes_what_the_solver_of_torch_writes(saved: Path, settings: dict[str, Any]) -> None:
    ours, theirs = load(saved, engine="numpy"), load(saved, engine="torch")
    for one, other in zip(ours.solve(PROMPTS, **settings), theirs.solve(PROMPTS, **settings), strict=True):
        assert replace(one, logprobs=(), seconds=0.0) == replace(other, logprobs=(), seconds=0.0)
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)


@pytest.mark.row("S1-I1")
@settings(max_examples=20, deadline=None)
@given(configs(), st.integers(0, 2**31), st.integers(1, 7))
def test_tokens_read_one_by_one_have_the_logits_of_tokens_read_at_once(
    config: ModelConfig, seed: int, first: int
) -> None:
    model = random_model(config, seed)
    ids = np.random.default_rng(seed).integers(VOCAB, size=(3, 8))
    whole, _ = model.forward(ids)
    cache = model.new_cache(3, 8)
    parts = [model.forward(ids[:, :first], cache=cache)[0]]
    cache.select(np.array([2, 0]))
    parts[0] = parts[0][[2, 0]]
    parts += [model.forward(ids[[2, 0], place : place + 1], cache=cache)[0] for place in range(first, 8)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole[[2, 0]], atol=1e-10)


def test_a_prompt_is_answered_alone_as_in_company(saved: Path) -> None:
    solver = load(saved, engine="numpy")
    together = solver.solve(PROMPTS, batch_size=2)
    alone = [solver.solve([prompt])[0] for prompt in PROMPTS]
    assert [c.token_ids for c in together] == [c.token_ids for c in alone]
    assert [c.prompt for c in together] == PROMPTS


def test_teacher_forcing_agrees_with_decoding_and_with_torch(saved: Path) -> None:
    ours, theirs = load(saved, engine="numpy"), load(saved, engine="torch")
    assert isinstance(ours, TeacherForced)
    for style in ("expression", "question"):
        rows = encode_problems(list(Domain(max_operand=5)), Format(style=style, reverse_answer=True), WORDS)
        written = ours.solve([WORDS.decode(rows.row(i)[: rows.prompt_lengths[i]]) for i in range(len(rows))])
        # The same rows with what the model writes as their targets: all of those are exact, no other is.
        for targets in (rows, _with_answers(rows, written)):
            exact = ours.exact_rows(targets.ids, targets.prompt_lengths, targets.lengths)
            assert (exact == theirs.exact_rows(targets.ids, targets.prompt_lengths, targets.lengths)).all()
            matches = ours.token_matches(targets.ids, targets.lengths)
            assert (matches == theirs.token_matches(targets.ids, targets.lengths)).all()
        assert exact.any()


def _with_answers(rows, completions):  # type: ignore[no-untyped-def]
    from longhand.data.tokens import stack_tokens

    made = []
    for row, completion in enumerate(completions):
        prompt = rows.row(row)[: rows.prompt_lengths[row]]
        made.append(([*prompt, *completion.token_ids], len(prompt), len(prompt)))
    return stack_tokens(made, len(WORDS), rows.pad_id)


@pytest.mark.row("S1-N4")
def test_both_are_evaluated_alike_in_either_style(saved: Path) -> None:
    for style in ("expression", "question"):
        reports = [
            evaluate(load(saved, engine=engine), DomainSuite(DOMAIN), style=style) for engine in ("numpy", "torch")
        ]
        mine, other = (report.to_dict() for report in reports)
        for timing in ("seconds", "problems_per_second"):
            mine.pop(timing, None), other.pop(timing, None)
        assert mine == other


@given(st.integers(0, 2**31), st.floats(0.1, 5), st.none() | st.integers(1, 9))
def test_what_is_drawn_is_what_torch_draws(seed: int, temperature: float, top_k: int | None) -> None:
    rng = np.random.default_rng(seed)
    logits, uniforms = rng.integers(-3, 4, (5, 7)).astype(np.float64), rng.uniform(size=5)
    theirs = sample(torch.from_numpy(logits), torch.from_numpy(uniforms), temperature, top_k)
    assert sample_in_numpy(logits, uniforms, temperature, top_k).tolist() == theirs.tolist()


def test_what_numpy_does_not_do_is_refused_in_one_line(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="beam 2 is not for the numpy engine"):
        load(saved, engine="numpy").solve(["1+1="], beam=2)
    with pytest.raises(UserError, match="the numpy engine computes on the CPU and in float32"):
        longhand.load(saved, engine="numpy", dtype=torch.float64)  # type: ignore[call-overload]
    config = ModelConfig(name="llama2", d_model=16, n_heads=2, n_layers=1)
    model = build_model(config, len(WORDS))
    foreign = Checkpoint(
        model=config.model_dump(mode="json"),
        weights={name: weight.detach().numpy() for name, weight in model.state_dict().items()},
        vocabulary=WORDS,
        format=Format(),
        domain=None,
    )
    save_checkpoint(tmp_path / "llama2", foreign)
    with pytest.raises(UserError, match="the numpy engine does not compute norm: rmsnorm"):
        load(tmp_path / "llama2", engine="numpy")


def test_weights_of_another_model_are_refused_by_name(checkpoint: Checkpoint, tmp_path: Path) -> None:
    weights = {name: weight for name, weight in checkpoint.weights.items() if name != "norm.bias"}
    save_checkpoint(tmp_path / "model", replace(checkpoint, weights=weights))
    with pytest.raises(UserError, match=r"the weights lack norm.bias"):
        load(tmp_path / "model", engine="numpy")
