"""Laws of decoding: cache, padding and company change no answer; teacher forcing is greedy decoding."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Problem
from longhand.arithmetic.verdict import Verdict, judge
from longhand.data.encode import encode_problems
from longhand.data.tokens import TokenArrays
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.metrics import VERDICTS
from longhand.evaluation.suites import DomainSuite
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.base import Completion
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

WORDS = vocabulary("mini18")
EOS = WORDS.id_of("eos")
DOMAIN = Domain(max_operand=30)
PROBLEMS = tuple(DOMAIN)
FORMATS = {
    "plain": Format(),
    "begin": Format(begin=True),
    "reversed": Format(operand_width=2, answer_width=2, reverse_answer=True),
}
KINDS = [("gpt2", "plain"), ("gpt2", "reversed"), ("llama2", "begin"), ("llama2", "plain"), ("mixtral", "plain")]
BEGINNINGS = ["7+", "1", "12-3=4"]  # read as they are, so that lengths differ in every format


@cache
def _solver(name: str, form: str, steps: int, seed: int = 0) -> AutoregressiveSolver:
    """A model after so many training steps: 0 writes noise, 60 is right here and wrong there."""
    config = ModelConfig(
        name=name, d_model=24, n_heads=2, n_layers=2, max_seq_len=16, tie_weights=False,
        init_std=0.5 if steps == 0 else 0.15,
    )  # fmt: skip
    model = build_model(config, len(WORDS), seed=seed)
    _train(model, encode_problems(PROBLEMS, FORMATS[form], WORDS), steps)
    return AutoregressiveSolver(model, WORDS, FORMATS[form], DOMAIN)


def _train(model: Decoder, rows: TokenArrays, steps: int) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    ids = torch.from_numpy(rows.ids.astype(np.int64))
    places = torch.arange(ids.size(1) - 1)
    written = (places >= torch.from_numpy(rows.prompt_lengths)[:, None] - 1) & (
        places < torch.from_numpy(rows.lengths)[:, None] - 1
    )
    generator = torch.Generator().manual_seed(0)
    model.train()
    for _ in range(steps):
        some = torch.randint(len(ids), (192,), generator=generator)
        logits = model(ids[some, :-1])
        loss = F.cross_entropy(logits[written[some]], ids[some, 1:][written[some]])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    model.eval()


@torch.no_grad()
def _decode_plainly(model: Decoder, prompt: list[int], limit: int) -> tuple[list[int], list[float]]:
    """Greedy decoding as it is defined: alone, without a cache, without padding, the whole row at every step."""
    ids, logprobs = list(prompt), []
    for _ in range(limit):
        logits = model(torch.tensor([ids]))[0, -1].double()
        ids.append(int(logits.argmax()))
        logprobs.append(float(logits.log_softmax(-1)[ids[-1]]))
        if ids[-1] == EOS:
            break
    return ids[len(prompt) :], logprobs


def _prompts(problems: list[Problem]) -> list[str]:
    return [problem.expression for problem in problems]


@pytest.mark.bug("S0-6c")
@pytest.mark.parametrize("steps", [0, 60])
@pytest.mark.parametrize(("name", "form"), KINDS)
def test_batched_cached_and_padded_decoding_is_decoding(name: str, form: str, steps: int) -> None:
    solver = _solver(name, form, steps)
    some = list(PROBLEMS[:: len(PROBLEMS) // 25])
    limit = solver.max_new_tokens
    assert limit is not None
    texts = [solver.format.prompt(problem) for problem in some] + BEGINNINGS
    completions = solver.solve([*_prompts(some), *BEGINNINGS], batch_size=16)
    for text, completion in zip(texts, completions, strict=True):
        ids = solver.format.spell_prompt(text, WORDS)
        token_ids, logprobs = _decode_plainly(solver.model, ids, limit)
        assert list(completion.token_ids) == token_ids
        assert completion.logprobs == pytest.approx(logprobs, abs=2e-4)
        assert (completion.finish_reason == "stop") == (token_ids[-1] == EOS)


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from([*_prompts(list(PROBLEMS)), *BEGINNINGS]), min_size=1, max_size=12, unique=True),
    st.integers(1, 5),
    st.sampled_from([(0.0, None), (0.7, None), (1.5, 5)]),
    st.integers(0, 3),
)
def test_the_company_of_a_prompt_changes_nothing(
    prompts: list[str], batch_size: int, sampling: tuple[float, int | None], seed: int
) -> None:
    solver = _solver("gpt2", "plain", 0)
    temperature, top_k = sampling
    asked = {"temperature": temperature, "top_k": top_k, "seed": seed}
    together = solver.solve(prompts, batch_size=batch_size, **asked)  # type: ignore[arg-type]
    for prompt, completion in zip(prompts, together, strict=True):
        (alone,) = solver.solve([prompt], **asked)  # type: ignore[arg-type]
        assert alone.token_ids == completion.token_ids
        assert alone.logprobs == pytest.approx(completion.logprobs, abs=1e-4)


def _written_rows(solver: AutoregressiveSolver, problems: list[Problem]) -> tuple[TokenArrays, list[Completion]]:
    """The right rows of problems, and what the model writes in the same places."""
    return encode_problems(problems, solver.format, WORDS), solver.solve(_prompts(problems))


def _all_match(solver: AutoregressiveSolver, rows: TokenArrays) -> list[bool]:
    matches = solver.token_matches(rows.ids, rows.lengths)
    places = np.arange(matches.shape[1])
    prompt = (places < rows.prompt_lengths[:, None] - 1) | (places >= rows.lengths[:, None] - 1)
    return [bool(row.all()) for row in matches | prompt]


@pytest.mark.parametrize(("name", "form"), KINDS)
def test_the_argmax_is_right_everywhere_exactly_where_greedy_decoding_is_right(name: str, form: str) -> None:
    solver = _solver(name, form, 60)
    rows, completions = _written_rows(solver, list(PROBLEMS))
    pairs = zip(PROBLEMS, completions, strict=True)
    right = [judge(problem, completion) is Verdict.CORRECT for problem, completion in pairs]
    assert 0.02 < np.mean(right) < 0.98  # half-trained
    assert _all_match(solver, rows) == right
    sure = solver.exact_rows(rows.ids, rows.prompt_lengths, rows.lengths)
    assert not (sure & ~np.array(right)).any()
    assert (np.array(right) & ~sure).mean() < 0.01  # only what rounding could decide


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["gpt2", "llama2", "mixtral"])
def test_whatever_a_model_writes_is_what_teacher_forcing_expects_of_it(name: str, seed: int) -> None:
    solver = _solver(name, "plain", 0, seed)
    some = list(PROBLEMS[::7])
    completions = solver.solve(_prompts(some))
    prompts = [solver.format.spell_prompt(solver.format.prompt(p), WORDS) for p in some]
    whole = [(*ids, *c.token_ids) for ids, c in zip(prompts, completions, strict=True)]
    starts = np.array([len(ids) for ids in prompts], dtype=np.int32)
    lengths = np.array([len(ids) for ids in whole], dtype=np.int32)
    ids = np.zeros((len(whole), lengths.max()), dtype=np.uint8)
    for row, row_ids in zip(ids, whole, strict=True):
        row[: len(row_ids)] = row_ids
    rows = TokenArrays(ids, starts, starts, lengths, 0)
    assert all(_all_match(solver, rows))
    sure = solver.exact_rows(ids, starts, lengths)
    assert sure.mean() > 0.9
    other = ids.copy()
    last = lengths - 1
    other[np.arange(len(ids)), last] = (other[np.arange(len(ids)), last] + 1) % len(WORDS)
    assert not any(_all_match(solver, TokenArrays(other, starts, starts, lengths, 0)))
    assert not solver.exact_rows(other, starts, lengths).any()


def test_of_tied_tokens_the_first_is_written_and_matched_and_nothing_is_sure() -> None:
    solver = _solver("gpt2", "plain", 60, seed=5)
    with torch.no_grad():
        solver.model.head.weight.zero_()  # type: ignore[union-attr]
    rows, completions = _written_rows(solver, list(PROBLEMS[:50]))
    assert {set(c.token_ids) == {0} for c in completions} == {True}
    forced = rows.ids.copy()
    places = np.arange(forced.shape[1])
    target = (places >= rows.prompt_lengths[:, None]) & (places < rows.lengths[:, None])
    forced[target] = 0
    assert all(_all_match(solver, TokenArrays(forced, rows.prompt_lengths, rows.answer_starts, rows.lengths, 0)))
    assert not any(_all_match(solver, rows))
    assert not solver.exact_rows(forced, rows.prompt_lengths, rows.lengths).any()


@pytest.mark.parametrize("steps", [0, 20, 60])
@pytest.mark.parametrize("form", FORMATS)
def test_an_evaluation_finds_the_verdicts_of_decoding_every_problem(form: str, steps: int) -> None:
    solver = _solver("gpt2", form, steps)
    n_settled, n_correct = _compare_with_decoding(solver)
    assert (n_settled > 0) == (n_correct > 0) == (steps > 0)


def test_an_evaluation_decodes_what_ties_leave_open() -> None:
    solver = _solver("gpt2", "plain", 60, seed=6)
    before = evaluate(solver, DomainSuite(DOMAIN)).correct
    with torch.no_grad():  # the digits 3 and 8 are now equally likely wherever one of them is likely
        weight = solver.model.head.weight  # type: ignore[union-attr]
        weight[WORDS.encode("8")[0]] = weight[WORDS.encode("3")[0]]
    n_settled, n_correct = _compare_with_decoding(solver)
    assert 0 < n_settled <= n_correct < before


def _compare_with_decoding(solver: AutoregressiveSolver) -> tuple[int, int]:
    """Expect the verdicts of decoding from an evaluation; return how many rows it did not decode, and the right."""
    report = evaluate(solver, DomainSuite(DOMAIN))
    completions = solver.solve(_prompts(list(PROBLEMS)))
    verdicts = [judge(p, c, domain=DOMAIN) for p, c in zip(PROBLEMS, completions, strict=True)]
    assert [VERDICTS[code] for code in report.codes] == verdicts
    return report.total - report.n_decoded, report.correct
