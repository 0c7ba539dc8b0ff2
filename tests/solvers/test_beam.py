from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.beam import beam_search
from longhand.solvers.decoding import decode_batch
from longhand.solvers.sampling import greedy

MakeSolver = Callable[..., AutoregressiveSolver]

VOCAB, EOS, LIMIT = 4, 2, 4


def _tiny(seed: int) -> Decoder:
    config = ModelConfig(d_model=8, n_heads=2, n_layers=1, max_seq_len=12, tie_weights=False, init_std=0.7)
    return build_model(config, VOCAB, seed=seed).eval()


@torch.no_grad()
def _likeliest(model: Decoder, prompt: list[int]) -> tuple[float, tuple[int, ...]]:
    """The likeliest text with an end mark of at most LIMIT tokens, by trying them all."""
    best: tuple[float, tuple[int, ...]] = (-torch.inf, ())
    for length in range(LIMIT):
        for body in product([t for t in range(VOCAB) if t != EOS], repeat=length):
            text = (*body, EOS)
            logits = model(torch.tensor([[*prompt, *text]]))[0, len(prompt) - 1 : -1]
            score = logits.double().log_softmax(-1).gather(1, torch.tensor(text)[:, None]).sum().item()
            best = max(best, (score, text))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_a_width_that_holds_every_text_finds_the_likeliest(seed: int) -> None:
    model, prompts = _tiny(seed), [[0, 1], [3], [1, 1, 3]]
    found = beam_search(model, prompts, width=VOCAB**LIMIT, limit=LIMIT, eos_id=EOS, pad_id=0)
    for prompt, written in zip(prompts, found, strict=True):
        score, text = _likeliest(model, prompt)
        assert written.token_ids == text
        assert sum(written.logprobs) == pytest.approx(score, abs=1e-5)
        assert written.stopped


@pytest.mark.parametrize("seed", range(4))
def test_width_one_is_greedy(seed: int, make_solver: MakeSolver) -> None:
    solver = make_solver(seed=seed)
    prompts = [solver.vocabulary.encode(f"{a}+{b}=") for a in (0, 7, 42, 951) for b in (3, 58)]
    settings = {"limit": 8, "eos_id": 2, "pad_id": 0}
    greedily = decode_batch(solver.model, prompts, lambda logits, rows: greedy(logits), **settings)
    searched = beam_search(solver.model, prompts, width=1, **settings)
    assert [w.token_ids for w in searched] == [w.token_ids for w in greedily]
    for one, other in zip(searched, greedily, strict=True):
        assert one.stopped == other.stopped
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)


@pytest.mark.parametrize("width", [2, 3, 7])
def test_a_row_finds_the_same_text_in_any_company(width: int) -> None:
    prompts = [[0, 1], [3], [1, 1, 3], [3, 3], [1]]
    for seed in range(4):
        model = _tiny(seed)
        settings = {"width": width, "limit": 6, "eos_id": EOS, "pad_id": 0}
        together = beam_search(model, prompts, **settings)
        alone = [beam_search(model, [prompt], **settings)[0] for prompt in prompts]
        assert [w.token_ids for w in together] == [w.token_ids for w in alone]


def test_a_text_without_an_end_is_returned_only_where_none_has_one() -> None:
    model = _tiny(0)
    with torch.no_grad():
        model.head.weight.zero_()  # type: ignore[union-attr]
        model.norm.weight.zero_()  # type: ignore[operator]
        model.norm.bias.fill_(1.0)  # type: ignore[operator]
        model.head.weight[EOS] = -10.0  # type: ignore[union-attr]
    (written,) = beam_search(model, [[0]], width=2, limit=3, eos_id=EOS, pad_id=0)
    assert written.token_ids == (0, 0, 0)  # of equals the first
    assert not written.stopped
