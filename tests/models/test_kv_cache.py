from __future__ import annotations

import pytest
import torch

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder

KINDS = [
    {"name": "gpt2"},
    {"name": "llama2"},
    {"name": "llama2", "n_heads": 4, "n_kv_heads": 2},
    {"name": "mixtral"},
    {"name": "gpt2", "pos_encoding": "sinusoidal"},
    {"name": "gpt2", "pos_encoding": "none"},
    {"name": "poc"},
    {"name": "think", "n_loops": 3, "n_layers": 1},
    {"name": "llama2", "n_loops": 2, "loop_embeddings": False},
    {"name": "think", "block": "feedback"},
    {"name": "gpt2", "block": "feedback", "n_heads": 4, "n_kv_heads": 2, "softmax": "softmax1"},
    {"name": "mamba"},
    {"name": "mamba", "n_loops": 2, "norm": "layernorm", "d_conv": 1},
    {"name": "llama2", "pos_encoding": "pope"},
    {"name": "gpt2", "pos_encoding": "pope", "softmax": "softmax1", "n_heads": 4, "n_kv_heads": 2},
    {"name": "gpt2", "softmax": "softmax1"},
    {"name": "looped", "n_loops": 3},
    {"name": "looped", "n_loops": 2, "n_coda": 0, "n_kv_heads": 1},
]


def _model(keys: dict[str, object], max_seq_len: int = 40) -> Decoder:
    sizes = {"d_model": 16, "n_layers": 2, "max_seq_len": max_seq_len, "init": "scaled"}
    if keys["name"] != "mamba":
        sizes["n_heads"] = 2
    return build_model(ModelConfig(**{**sizes, **keys}), 18, seed=0).eval()


def _ids(batch: int, time: int) -> torch.Tensor:
    return torch.randint(0, 18, (batch, time), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("keys", KINDS, ids=str)
@pytest.mark.parametrize("chunks", [[9], [1] * 9, [4, 1, 3, 1]], ids=str)
@torch.no_grad()
def test_reading_in_chunks_gives_the_logits_of_reading_at_once(keys: dict[str, object], chunks: list[int]) -> None:
    model, ids = _model(keys), _ids(3, 9)
    cache = model.new_cache(3, 9)
    parts = [model(chunk, kv_cache=cache) for chunk in ids.split(chunks, dim=1)]
    assert cache.length == 9
    assert torch.allclose(torch.cat(parts, dim=1), model(ids), atol=1e-5)


@pytest.mark.parametrize("keys", KINDS, ids=str)
@torch.no_grad()
def test_chunks_longer_than_the_short_path_agree_too(keys: dict[str, object]) -> None:
    model, ids = _model(keys), _ids(2, 40)
    cache = model.new_cache(2)
    parts = [model(chunk, kv_cache=cache, logits_to_keep=3) for chunk in ids.split([20, 15, 5], dim=1)]
    full = model(ids)
    expected = [full[:, end - 3 : end] for end in (20, 35, 40)]
    assert torch.allclose(torch.cat(parts), torch.cat(expected), atol=1e-5)


@pytest.mark.parametrize("keys", KINDS, ids=str)
@torch.no_grad()
def test_padding_on_either_side_of_any_chunk_changes_nothing(keys: dict[str, object]) -> None:
    model, ids = _model(keys), _ids(2, 7)
    long, short = ids[0], ids[1, :5]
    expected = [model(long[None])[0], model(short[None])[0]]
    # The long row is read as 3 + 3 + 1 tokens, the short one as 2 + 2 + 1; 0 stands for padding.
    first = torch.stack([torch.cat([long[:3], torch.zeros(1).long()]), torch.cat([torch.zeros(2).long(), short[:2]])])
    second = torch.stack(
        [torch.cat([torch.zeros(1).long(), long[3:6]]), torch.cat([short[2:4], torch.zeros(2).long()])]
    )
    third = torch.stack([long[6:], short[4:]])
    cache = model.new_cache(2)
    read_first = model(first, torch.tensor([[1, 1, 1, 0], [0, 0, 1, 1]]), kv_cache=cache)
    read_second = model(second, torch.tensor([[0, 1, 1, 1], [1, 1, 0, 0]]), kv_cache=cache)
    read_third = model(third, kv_cache=cache)  # no mask: the cache remembers what was padding
    got = [
        torch.cat([read_first[0, :3], read_second[0, 1:], read_third[0]]),
        torch.cat([read_first[1, 2:], read_second[1, :2], read_third[1]]),
    ]
    for row in range(2):
        assert torch.allclose(got[row], expected[row], atol=1e-5)


@pytest.mark.parametrize("keys", KINDS, ids=str)
@torch.no_grad()
def test_rows_can_be_selected_repeated_and_reordered(keys: dict[str, object]) -> None:
    model, ids = _model(keys), _ids(3, 6)
    mask = torch.tensor([[1, 1, 1, 1, 1], [0, 1, 1, 1, 1], [0, 0, 0, 1, 1]])
    cache = model.new_cache(3)
    model(ids[:, :5], mask, kv_cache=cache)
    rows = torch.tensor([2, 0, 0, 1])
    cache.select(rows)
    assert cache.batch == 4
    after = model(ids[rows, 5:], kv_cache=cache)
    padded = torch.cat([mask, torch.ones(3, 1, dtype=mask.dtype)], dim=1)
    assert torch.allclose(after[:, 0], model(ids, padded)[rows, -1], atol=1e-5)


@torch.no_grad()
def test_a_cache_that_is_too_small_or_of_another_batch_is_refused() -> None:
    model, ids = _model({"name": "gpt2"}), _ids(2, 6)
    with pytest.raises(UserError, match="6 tokens do not fit in a key-value cache made for 5"):
        model(ids, kv_cache=model.new_cache(2, 5))
    with pytest.raises(UserError, match="made for 3 rows and was given 2"):
        model(ids, kv_cache=model.new_cache(3))


@torch.no_grad()
def test_the_context_of_the_model_bounds_what_a_cache_may_hold() -> None:
    model = _model({"name": "llama2"}, max_seq_len=8)
    cache = model.new_cache(1, 20)
    model(_ids(1, 8), kv_cache=cache)
    with pytest.raises(UserError, match="9 tokens is longer than the model's max_seq_len of 8"):
        model(_ids(1, 1), kv_cache=cache)


@torch.no_grad()
def test_the_cache_takes_the_type_of_the_keys() -> None:
    model, ids = _model({"name": "llama2"}), _ids(2, 6)
    with torch.autocast("cpu", torch.bfloat16):
        cache = model.new_cache(2)
        model(ids[:, :5], kv_cache=cache)
        step = model(ids[:, 5:], kv_cache=cache)
        whole = model(ids)
    keys, _ = cache.layers[0].append(torch.zeros(2, 2, 1, 8, dtype=torch.bfloat16), torch.zeros(2, 2, 1, 8))
    assert keys.dtype is torch.bfloat16
    assert torch.allclose(step[:, -1].float(), whole[:, -1].float(), atol=0.05)
