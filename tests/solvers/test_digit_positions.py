"""Models that count the places of digits, asked through the one solver."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch

from longhand.arithmetic.domain import Domain
from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.config_rules import COUNTS_DIGITS
from longhand.runs.checkpoint import Checkpoint
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.load import solver_of
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

WORDS, FORMAT = vocabulary("sum_rows"), Format(begin=True, notation="schoolbook")
DOMAIN = Domain(operators=("+",), max_operand=99_999)
PROMPTS = ["7+5=", "123+45=", "99999+1=", "0+12345=", "640+72="]
each_kind = pytest.mark.parametrize("kind", COUNTS_DIGITS)


@cache
def _checkpoint(kind: str) -> Checkpoint:
    """The first untrained model whose answers differ, in length too."""
    config = ModelConfig(
        d_model=16, n_layers=2, tie_weights=False, init="normal", init_std=0.6, pos_encoding=kind, max_digits=8
    )
    for seed in range(50):
        model = build_model(config, len(WORDS), seed=seed)
        weights = {name: weight.numpy() for name, weight in model.state_dict().items()}
        checkpoint = Checkpoint(
            model=config.model_dump(mode="json"), weights=weights, vocabulary=WORDS, format=FORMAT, domain=DOMAIN
        )
        answers = solver_of(checkpoint).solve(PROMPTS)
        if len({answer.text for answer in answers}) > 3 and len({len(answer.token_ids) for answer in answers}) > 2:
            return checkpoint
    raise AssertionError(f"no lively model with {kind}")


def _solver(kind: str) -> AutoregressiveSolver:
    return solver_of(_checkpoint(kind))  # type: ignore[return-value]


@each_kind
def test_answers_in_a_batch_and_from_a_cache_are_those_of_reading_everything_anew(kind: str) -> None:
    solver = _solver(kind)
    assert solver.engine == "torch"
    for prompt, completion in zip(PROMPTS, solver.solve(PROMPTS), strict=True):
        ids = solver.prompt_ids(prompt)
        for written in completion.token_ids:
            assert solver.next_tokens(ids, 1)[0].token_id == written
            ids.append(written)
        (alone,) = solver.solve([prompt])
        assert completion.token_ids == alone.token_ids
        assert completion.logprobs == pytest.approx(alone.logprobs, abs=1e-4)


@each_kind
def test_beams_branch_with_their_memory(kind: str) -> None:
    solver = _solver(kind)
    for completion in solver.solve(PROMPTS, beam=3):
        written = torch.tensor(completion.token_ids)
        ids = torch.cat((torch.tensor(solver.prompt_ids(completion.prompt)), written))
        with torch.no_grad():
            logprobs = solver.model(ids[None, :-1])[0, -len(written) :].log_softmax(dim=1)
        assert completion.logprobs == pytest.approx(logprobs.gather(1, written[:, None])[:, 0].tolist(), abs=1e-4)


@each_kind
def test_teacher_forcing_knows_what_greedy_decoding_writes(kind: str) -> None:
    solver = _solver(kind)
    for completion in solver.solve(PROMPTS):
        row = torch.tensor([[*solver.prompt_ids(completion.prompt), *completion.token_ids]]).numpy()
        prompt, length = torch.tensor([row.size - len(completion.token_ids)]), torch.tensor([row.size])
        assert solver.exact_rows(row, prompt.numpy(), length.numpy()).all()


@each_kind
def test_what_cannot_be_asked_is_refused_in_one_line(kind: str) -> None:
    solver = _solver(kind)
    with pytest.raises(UserError, match=r"operands of 8 digits have sums of up to 9, and model\.max_digits is 8"):
        solver.solve(["1+2=", "12345678+1="])
    with pytest.raises(UserError, match=r"'12\+' has no ="):
        solver.solve(["1+2=", "12+"])


@each_kind
def test_a_vocabulary_of_another_model_is_refused(kind: str) -> None:
    turned = replace(WORDS, name="turned", tokens=(*reversed(WORDS.tokens),))
    with pytest.raises(UserError, match="layout sum reads the vocabulary sum_rows, and the checkpoint has turned"):
        solver_of(replace(_checkpoint(kind), vocabulary=turned))
