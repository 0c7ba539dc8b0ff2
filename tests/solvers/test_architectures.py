"""Every architecture answers through the one solver: cached as recomputed, in company as alone."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch

from longhand.arithmetic.domain import Domain
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.fused import why_not_fused
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.native import why_not_native
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

WORDS = vocabulary("mini18")
KINDS: dict[str, dict[str, Any]] = {
    "norm_place: post": {"name": "think"},
    "legacy_cross_attention: true": {"name": "poc", "norm_place": "post"},
    "n_loops: 3": {"name": "gpt2", "n_layers": 1, "n_loops": 3},
    "n_loops: 2": {"name": "looped", "n_layers": 1, "n_loops": 2},
    "n_prelude: 1": {"name": "looped", "n_layers": 1, "n_loops": 1},
    "block: feedback": {"name": "think", "block": "feedback"},
    "block: ssm": {"name": "mamba"},
    "pos_encoding: pope": {"name": "llama2", "pos_encoding": "pope"},
    "softmax: softmax1": {"name": "gpt2", "softmax": "softmax1"},
    "head_bias: true": {"name": "gpt2", "head_bias": True},
    "scale_embeddings: true": {"name": "gpt2", "scale_embeddings": True},
}
PROMPTS = ["7+5=", "123+45=", "1", "12-3=4", "99+", "5*7=", "640-72=", "8/2="]
each_kind = pytest.mark.parametrize("kind", list(KINDS))


@cache
def _solver(kind: str) -> AutoregressiveSolver:
    """The first untrained model whose answers differ, in length too: some rows leave the batch before others."""
    sizes: dict[str, Any] = {"d_model": 16, "n_layers": 2, "max_seq_len": 24, "tie_weights": False}
    config = ModelConfig(**{**sizes, "init": "normal", "init_std": 0.6, **KINDS[kind]})
    for seed in range(50):
        model = build_model(config, len(WORDS), seed=seed)
        solver = AutoregressiveSolver(model, WORDS, Format(), Domain(max_operand=999), max_new_tokens=12)
        answers = solver.solve(PROMPTS)
        lengths = {len(answer.token_ids) for answer in answers}
        if len({answer.text for answer in answers}) > 5 and len(lengths) > 2:
            return solver
    raise AssertionError(f"no lively model with {kind}")


def _recomputed(solver: AutoregressiveSolver, ids: list[int]) -> list[int]:
    """Greedy decoding that reads everything anew for every token."""
    written: list[int] = []
    with torch.no_grad():
        while len(written) < 12 and (not written or written[-1] != WORDS.id_of("eos")):
            logits = solver.model(torch.tensor([ids + written]))
            written.append(int(logits[0, -1].argmax()))
    return written


@pytest.mark.row("S0-B7", "S0-B8", "S0-B9", "S0-B10", "S0-B11")
@each_kind
def test_answers_from_a_cache_and_in_a_batch_are_those_of_reading_everything_anew(kind: str) -> None:
    solver = _solver(kind)
    together = solver.solve(PROMPTS)
    for prompt, completion in zip(PROMPTS, together, strict=True):
        (alone,) = solver.solve([prompt])
        assert completion.token_ids == alone.token_ids
        assert completion.logprobs == pytest.approx(alone.logprobs, abs=1e-4)
        assert list(completion.token_ids) == _recomputed(solver, WORDS.encode(prompt))


@each_kind
def test_beams_branch_with_their_memory(kind: str) -> None:
    solver = _solver(kind)
    for completion in solver.solve(PROMPTS, beam=3):
        written = torch.tensor(completion.token_ids)
        ids = torch.cat((torch.tensor(WORDS.encode(completion.prompt)), written))
        with torch.no_grad():
            logprobs = solver.model(ids[None, :-1])[0, -len(written) :].log_softmax(dim=1)
        assert completion.logprobs == pytest.approx(logprobs.gather(1, written[:, None])[:, 0].tolist(), abs=1e-4)


@each_kind
def test_teacher_forcing_knows_what_greedy_decoding_writes(kind: str) -> None:
    solver = _solver(kind)
    greedy = solver.solve(PROMPTS[:3])
    rows = [WORDS.encode(completion.prompt) + list(completion.token_ids) for completion in greedy]
    for row, completion in zip(rows, greedy, strict=True):
        ids = torch.tensor([row]).numpy()
        prompt, length = torch.tensor([len(row) - len(completion.token_ids)]), torch.tensor([len(row)])
        assert solver.exact_rows(ids, prompt.numpy(), length.numpy()).all()
        assert solver.token_matches(ids, length.numpy())[0, prompt.item() - 1 :].all()


@each_kind
def test_what_has_no_kernel_is_refused_by_name_and_runs_on_the_plain_path(kind: str) -> None:
    solver = _solver(kind)
    named = "norm_place: post" if kind.startswith("legacy") else kind
    for reason in (why_not_native(solver.model), why_not_fused(solver.model)):
        assert reason == f"{named} has no kernel"
    assert solver.engine == "torch"
