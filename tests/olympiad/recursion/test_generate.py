"""Generation: what caches, padding and the end marks of neighbours must not change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from tests.olympiad.tiny_qwen2 import EOS, PAD, VOCAB
from torch import Tensor

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.trm import build_head
from longhand.models.trm_backbone import Backbone, DecoderBackbone, config_for
from longhand.models.trm_count import cache_bytes_per_token
from longhand.models.trm_model import TrmModel
from longhand.olympiad.backbone import Qwen2Backbone
from longhand.olympiad.generate import PlainModel, cache_agreement, generate

LIMIT = 4
ROWS = 200


def random_prompts(n: int, vocab: int = VOCAB) -> list[list[int]]:
    drawn = torch.Generator().manual_seed(n)
    lengths = torch.randint(1, 9, (n,), generator=drawn).tolist()
    return [torch.randint(1, vocab, (length,), generator=drawn).tolist() for length in lengths]


@pytest.fixture(scope="module")
def trm(backbone: Backbone) -> TrmModel:
    keys = {"n_layers": 1, "n_latent": 1, "t_recursion": 2, "n_supervision": 2, "d_ff": 96, "residual": "none"}
    return TrmModel(backbone, build_head(config_for(backbone, **keys), backbone, seed=3))


def _uncached(model: Any, prompt: Sequence[int], limit: int, eos: int) -> list[int]:
    """Greedy decoding that reads everything anew for every token."""
    ids = list(prompt)
    for _ in range(limit):
        ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
        if ids[-1] == eos:
            break
    return ids[len(prompt) :]


@pytest.fixture(scope="module")
def answers(trm: TrmModel) -> tuple[list[list[int]], list[list[int]], int]:
    """Prompts, what the model writes after each of them when it is asked alone, and an end mark that cuts some."""
    prompts = random_prompts(ROWS)
    asked = {"max_new_tokens": LIMIT, "eos_id": -1, "pad_id": PAD, "batch_size": 1}
    free = [list(row.token_ids) for row in generate(trm, prompts, **asked)]
    common = max(range(VOCAB), key=lambda token: sum(token in row[1:-1] for row in free))
    cut = [row[: row.index(common) + 1] if common in row else row for row in free]
    return prompts, cut, common


@pytest.mark.row("S3-I1")
@torch.no_grad()
def test_p5_two_hundred_cached_answers_are_the_uncached_ones_token_for_token(
    trm: TrmModel, answers: tuple[list[list[int]], list[list[int]], int]
) -> None:
    """Causal models: where each token is the likeliest in one full reading, reading anew for each writes the same."""
    prompts, written, eos = answers
    for prompt, answer in zip(prompts, written, strict=True):
        read = trm(torch.tensor([prompt + answer]))[0].argmax(dim=-1).tolist()
        assert read[len(prompt) - 1 : -1] == answer
    for prompt, answer in zip(prompts[:8], written[:8], strict=True):
        assert _uncached(trm, prompt, LIMIT, eos) == answer


@pytest.mark.row("S3-I1")
def test_two_hundred_rows_of_batches_are_those_asked_alone(
    trm: TrmModel, answers: tuple[list[list[int]], list[list[int]], int]
) -> None:
    """Issues 4 and 5: rows of several lengths, padded on the left, that end at different times."""
    prompts, expected, eos = answers
    written = generate(trm, prompts, max_new_tokens=LIMIT, eos_id=eos, pad_id=PAD, batch_size=50)
    assert [list(row.token_ids) for row in written] == expected
    ended = {len(row.token_ids) for row in written if row.stopped}
    assert len(ended) > 1, "rows end in the middle of their batches"
    assert all(row.token_ids[-1] == eos for row in written if row.stopped), "the end mark is part of the output"
    assert all((eos in row.token_ids) == row.stopped for row in written)


def test_faulty_end_marks_that_wait_for_each_other_change_what_rows_write(
    trm: TrmModel, answers: tuple[list[list[int]], list[list[int]], int]
) -> None:
    """Issue 4: system 003 stops when all rows write the end mark in the same step, and cuts nothing."""
    prompts, expected, eos = answers
    ends = [i for i, row in enumerate(expected) if row[-1] == eos][:2]
    rows = [*ends, next(i for i, row in enumerate(expected) if eos not in row and len(row) == LIMIT)]
    faulty = [list(prompts[row]) for row in rows]
    for _ in range(LIMIT):
        chosen = [int(trm(torch.tensor([ids]))[0, -1].argmax()) for ids in faulty]
        if all(token == eos for token in chosen):
            break
        for ids, token in zip(faulty, chosen, strict=True):
            ids.append(token)
    assert [ids[len(prompts[row]) :] for ids, row in zip(faulty, rows, strict=True)] != [expected[row] for row in rows]


@pytest.mark.parametrize("fault", ["prefill", "decode"])
@torch.no_grad()
def test_faulty_padding_that_is_seen_changes_what_rows_write(
    trm: TrmModel, answers: tuple[list[list[int]], list[list[int]], int], fault: str
) -> None:
    """Issue 5: the mask has to hold while the prompt is read, and for every token after it."""
    prompts, expected, _ = answers
    wrong = 0
    for prompt, right in [pair for pair in zip(prompts, expected, strict=True) if len(pair[1]) == LIMIT][:12]:
        padded = torch.tensor([[PAD] * (12 - len(prompt)) + prompt])
        real = padded != PAD
        for faulty in (False, True):
            cache = trm.new_cache(1, 20)
            logits = trm(padded, None if faulty and fault == "prefill" else real, kv_cache=cache)
            if faulty:
                cache.recursion._real = cache.backbone._real = None  # type: ignore[attr-defined]
            written = [int(logits[0, -1].argmax())]
            for _ in range(LIMIT - 1):
                written.append(int(trm(torch.tensor([written[-1:]]), kv_cache=cache)[0, -1].argmax()))
            if faulty:
                wrong += written != right
            else:
                assert written == right
    assert wrong > 3


@pytest.mark.row("S3-I1")
def test_p6_one_cache_for_all_rounds_is_an_approximation_and_says_how_good(trm: TrmModel) -> None:
    prompts = random_prompts(12)
    found = cache_agreement(trm, prompts, max_new_tokens=LIMIT, eos_id=EOS, pad_id=PAD)
    assert found.n_prompts == 12
    assert 0 < found.same_tokens <= found.n_tokens
    assert found.same_tokens < found.n_tokens, "these random weights tell the two apart"
    assert f"{found.same_tokens:,} of {found.n_tokens:,} tokens" in str(found)
    one_step = TrmModel(trm.backbone, build_head(
        config_for(trm.backbone, n_layers=1, n_latent=2, t_recursion=1, n_supervision=1, residual="none"),
        trm.backbone, seed=3,
    ))  # fmt: skip
    same = cache_agreement(one_step, prompts, max_new_tokens=LIMIT, eos_id=EOS, pad_id=PAD)
    assert same.same_tokens == same.n_tokens, "of a single round the last is all there is"
    assert same.same_answers == same.n_prompts


def test_the_last_rounds_cache_is_as_many_times_smaller_as_there_are_rounds(trm: TrmModel) -> None:
    sizes = {}
    for kv in ("exact", "last"):
        model = TrmModel(trm.backbone, trm.head, kv=kv)
        cache = model.new_cache(2, 9)
        model(torch.ones(2, 7, dtype=torch.int64), kv_cache=cache)
        sizes[kv] = cache.recursion.bytes_kept // (2 * 7)
    assert sizes == cache_bytes_per_token(trm.head.config)
    assert sizes["exact"] == 4 * sizes["last"]


def test_drawn_rows_depend_on_seed_and_prompt_and_not_on_their_neighbours(trm: TrmModel) -> None:
    prompts = [*random_prompts(6), *random_prompts(6)]
    draw = {"max_new_tokens": LIMIT, "eos_id": EOS, "pad_id": PAD, "temperature": 1.0}
    together = [row.token_ids for row in generate(trm, prompts, **draw)]
    alone = [generate(trm, [prompt], **draw)[0].token_ids for prompt in prompts[:6]]
    assert together[:6] == alone
    assert together[6:] != alone, "asked again, other numbers are drawn"
    assert [row.token_ids for row in generate(trm, prompts, **draw, seed=1)] != together


def test_tokens_are_cut_by_index_whatever_they_are() -> None:
    """Issue 6: decoding text and cutting it by characters loses its place at special tokens."""
    torch.manual_seed(0)
    model = build_model(ModelConfig(name="llama2", d_model=16, n_heads=2, n_layers=1, init="scaled"), 12, seed=0)
    plain = PlainModel(DecoderBackbone(model))
    written = generate(plain, [[5, 1, 5], [5]], max_new_tokens=4, eos_id=11, pad_id=5)
    assert [list(row.token_ids) for row in written] == [_uncached(model, p, 4, 11) for p in ([5, 1, 5], [5])]


OURS = [
    {"name": "gpt2"},
    {"name": "llama2", "n_kv_heads": 1, "rope_theta": 500.0},
    {"name": "mamba"},
    {"name": "think", "n_loops": 2, "n_layers": 1},
]


@pytest.mark.row("S3-M1")
@pytest.mark.parametrize("keys", OURS, ids=str)
def test_any_of_our_own_models_is_a_backbone(keys: dict[str, Any]) -> None:
    sizes = {"d_model": 16, "n_layers": 2, "max_seq_len": 30, "init": "scaled"} | (
        {} if keys["name"] == "mamba" else {"n_heads": 2}
    )
    model = build_model(ModelConfig(**{**sizes, **keys}), 20, seed=0)
    own = DecoderBackbone(model)
    ids = torch.randint(0, 20, (2, 7), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(own.logits(own.hidden(ids)), model(ids))
    config = config_for(own, n_layers=1, n_latent=2, t_recursion=2, n_supervision=2, n_heads=2)
    assert config.rope_theta == keys.get("rope_theta", 10_000.0)
    trm = TrmModel(own, build_head(config, own, seed=0))
    prompts = random_prompts(20, 20)
    written = generate(trm, prompts, max_new_tokens=5, eos_id=3, pad_id=0)
    assert [list(row.token_ids) for row in written] == [_uncached(trm, prompt, 5, 3) for prompt in prompts]


def test_a_windowed_model_has_no_states_of_a_sequence() -> None:
    windowed = build_model(ModelConfig(name="windowed", d_model=16, n_layers=1, n_heads=2), 15, seed=0)
    with pytest.raises(UserError, match=r"block: window has no states of a sequence"):
        DecoderBackbone(windowed)


def test_impossible_requests_are_refused_in_one_line(trm: TrmModel) -> None:
    ask = {"max_new_tokens": 3, "eos_id": EOS, "pad_id": PAD}
    with pytest.raises(UserError, match=r"^prompt 1 has 129 tokens, and this model reads 1 to 128; shorten it$"):
        generate(trm, [[1], [1] * 129], **ask)
    with pytest.raises(UserError, match=r"^prompt 0 has 0 tokens"):
        generate(trm, [[]], **ask)
    with pytest.raises(UserError, match=r"^max_new_tokens is 0; give at least 1$"):
        generate(trm, [[1]], **{**ask, "max_new_tokens": 0})


def test_rows_at_the_end_of_the_context_are_cut_there_and_alone(trm: TrmModel) -> None:
    long = [1 + i % 90 for i in range(126)]
    written = generate(trm, [long, [4, 4]], max_new_tokens=5, eos_id=-1, pad_id=PAD)
    assert [len(row.token_ids) for row in written] == [3, 5], "the last token is written and not read"


def test_the_backbone_keeps_its_own_cache(backbone: Backbone) -> None:
    assert isinstance(backbone, Qwen2Backbone)
    ids = torch.randint(1, VOCAB, (2, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[0, 0, 1, 1, 1, 1, 1, 1, 1], [1] * 9])
    whole = backbone.hidden(ids, mask)
    cache = backbone.new_cache(2, 9)
    parts: list[Tensor] = [backbone.hidden(ids[:, :5], mask[:, :5], cache)]
    cache.select(torch.tensor([1, 0]))
    parts.append(backbone.hidden(ids[[1, 0], 5:], None, cache)[[1, 0]])
    read = torch.cat(parts, dim=1)
    torch.testing.assert_close(read[mask.bool()], whole[mask.bool()], rtol=1e-4, atol=1e-4)
