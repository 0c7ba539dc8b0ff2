from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder

KINDS: list[dict[str, Any]] = [
    {"name": "gpt2"},
    {"name": "gpt2", "attention_bias": True, "mlp": "relu", "tie_weights": False},
    {"name": "llama2"},
    {"name": "llama2", "n_heads": 4, "n_kv_heads": 2, "attention_bias": True, "mlp_bias": True},
    {"name": "mixtral"},
    {"name": "gpt2", "pos_encoding": "sinusoidal", "norm": "rmsnorm"},
    {"name": "gpt2", "pos_encoding": "none", "mlp": "moe"},
    {"name": "think"},
    {"name": "poc", "legacy_cross_attention": False},
    {"name": "think", "n_loops": 3, "n_layers": 1},
    {"name": "llama2", "n_loops": 2, "loop_embeddings": False},
    {"name": "think", "block": "feedback"},
    {"name": "gpt2", "block": "feedback", "n_heads": 4, "n_kv_heads": 2, "softmax": "softmax1"},
    {"name": "mamba"},
    {"name": "mamba", "n_loops": 2, "norm": "layernorm", "d_conv": 1},
    {"name": "llama2", "pos_encoding": "pope"},
    {"name": "gpt2", "pos_encoding": "pope", "softmax": "softmax1", "n_heads": 4, "n_kv_heads": 2},
    {"name": "gpt2", "softmax": "softmax1"},
]
each_kind = pytest.mark.parametrize("keys", KINDS, ids=str)


def _model(keys: dict[str, Any]) -> Decoder:
    sizes: dict[str, Any] = {"d_model": 16, "n_layers": 2, "max_seq_len": 48, "init": "scaled"}
    if keys.get("name") != "mamba":
        sizes["n_heads"] = 2
    return build_model(ModelConfig(**{**sizes, **keys}), 18, seed=0)


def _ids(batch: int, time: int) -> torch.Tensor:
    return torch.randint(0, 18, (batch, time), generator=torch.Generator().manual_seed(0))


@pytest.mark.row("S4-M1")
@each_kind
@pytest.mark.parametrize("time", [6, 40])
def test_gradients_to_later_tokens_are_exactly_zero(keys: dict[str, Any], time: int) -> None:
    model = _model(keys)
    embedded: list[torch.Tensor] = []
    model.embedding.register_forward_hook(lambda _, __, out: embedded.append(out.retain_grad() or out))
    at = time // 2
    logits = model(_ids(2, time))
    logits[:, at].square().sum().backward()
    (gradient,) = [out.grad for out in embedded]
    assert gradient is not None
    assert not gradient[:, at + 1 :].any()
    for earlier in range(at + 1):
        assert gradient[:, earlier].any()


@each_kind
@pytest.mark.parametrize("time", [6, 40])
@torch.no_grad()
def test_logits_to_keep_gives_the_last_logits(keys: dict[str, Any], time: int) -> None:
    model = _model(keys).eval()
    ids = _ids(3, time)
    full = model(ids)
    assert full.shape == (3, time, 18)
    for n in (1, 2, time - 1, time, time + 5):
        kept = model(ids, logits_to_keep=n)
        assert kept.shape == (3, min(n, time), 18)
        assert torch.allclose(kept, full[:, -n:], atol=1e-5)


@each_kind
def test_logits_to_keep_gives_the_gradients_of_the_last_logits(keys: dict[str, Any]) -> None:
    model, ids = _model(keys), _ids(3, 6)
    model(ids)[:, -2:].square().sum().backward()
    expected = {name: weight.grad for name, weight in model.named_parameters()}
    model.zero_grad()
    model(ids, logits_to_keep=2).square().sum().backward()
    for name, weight in model.named_parameters():
        assert expected[name] is not None, name
        assert torch.allclose(weight.grad, expected[name], atol=1e-4, rtol=1e-4), name


@pytest.mark.row("S4-M1", "S4-M5")
@each_kind
@pytest.mark.parametrize("side", ["left", "right"])
@torch.no_grad()
def test_padding_on_either_side_leaves_real_tokens_as_they_are(keys: dict[str, Any], side: str) -> None:
    model = _model(keys).eval()
    lengths = [7, 3, 5]
    alone = [model(_ids(1, 7)[:, :n])[0] for n in lengths]
    ids, mask = torch.zeros(3, 7, dtype=torch.long), torch.zeros(3, 7, dtype=torch.long)
    for row, n in enumerate(lengths):
        columns = slice(0, n) if side == "right" else slice(7 - n, 7)
        ids[row, columns], mask[row, columns] = _ids(1, 7)[0, :n], 1
    together = model(ids, mask)
    assert torch.isfinite(together).all()
    for row in range(3):
        assert torch.allclose(together[row][mask[row].bool()], alone[row], atol=1e-5)
    if side == "left":
        assert torch.allclose(model(ids, mask, logits_to_keep=2), together[:, -2:], atol=1e-5)
        assert not torch.allclose(model(ids)[1, -3:], alone[1], atol=1e-2)


def test_a_mask_without_padding_is_no_mask() -> None:
    model, ids = _model({"name": "llama2"}).eval(), _ids(2, 5)
    assert torch.equal(model(ids, torch.ones(2, 5)), model(ids))


@each_kind
def test_a_row_does_not_depend_on_its_batch(keys: dict[str, Any]) -> None:
    model, ids = _model(keys).eval(), _ids(5, 6)
    assert torch.allclose(model(ids)[2:3], model(ids[2:3]), atol=1e-5)


@pytest.mark.row("S4-X1")
@each_kind
def test_every_weight_is_trained(keys: dict[str, Any]) -> None:
    model = _model(keys)
    loss = model(_ids(8, 12)).square().mean()
    balance = model.auxiliary_loss()
    (loss if balance is None else loss + balance).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.any(), name


def test_longer_sequences_than_the_context_are_refused() -> None:
    model = _model({"name": "gpt2", "max_seq_len": 6})
    assert model(_ids(1, 6)).shape == (1, 6, 18)
    with pytest.raises(UserError, match="7 tokens is longer than the model's max_seq_len of 6") as refused:
        model(_ids(1, 7))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("where", ["embeddings", "attention", "mlp"])
def test_dropout_acts_in_training_and_never_in_evaluation(where: str) -> None:
    model, ids = _model({"name": "gpt2", "dropout": 0.5}), _ids(2, 6)
    model.embedding_dropout = 0.5 if where == "embeddings" else 0.0
    for block in model.blocks:
        block.dropout = 0.5 if where == "mlp" else 0.0
        block.attention.dropout = 0.5 if where == "attention" else 0.0
    torch.manual_seed(0)
    assert not torch.allclose(model(ids), model(ids), atol=1e-3)
    model.eval()
    assert torch.equal(model(ids), model(ids))
    torch.manual_seed(0)
    without = _model({"name": "gpt2"}).eval()
    assert torch.equal(model(ids), without(ids))


@each_kind
def test_autocast_stays_close_to_single_precision(keys: dict[str, Any]) -> None:
    model, ids = _model({**keys, "init": "normal"}).eval(), _ids(4, 10)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(ids)
    assert rough.dtype is torch.bfloat16
    assert torch.allclose(rough.float(), model(ids), atol=0.02)


@each_kind
def test_double_precision_runs_through(keys: dict[str, Any]) -> None:
    model, ids = _model(keys).eval(), _ids(4, 10)
    single = model(ids)
    double = model.double()(ids)
    assert double.dtype is torch.float64
    assert torch.allclose(double.float(), single, atol=1e-4)


@each_kind
def test_weights_in_bfloat16_train(keys: dict[str, Any]) -> None:
    model, ids = _model({**keys, "init": "normal"}), _ids(4, 10)
    single = model(ids)
    rough = model.bfloat16()(ids)
    assert rough.dtype is torch.bfloat16
    assert torch.allclose(rough.float(), single, atol=0.02)
    rough.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.dtype is torch.bfloat16 for weight in model.parameters())


@each_kind
def test_a_trained_model_can_be_copied(keys: dict[str, Any]) -> None:
    model, ids = _model(keys), _ids(2, 6)
    model(ids).sum().backward()
    twin = copy.deepcopy(model)
    assert torch.equal(twin(ids), model(ids))


@each_kind
def test_weights_are_all_that_is_saved(keys: dict[str, Any]) -> None:
    model = _model(keys)
    assert list(model.state_dict()) == [name for name, _ in model.named_parameters()]
    other = build_model(model.config, 18, seed=1)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(_ids(2, 6)), model(_ids(2, 6)))


def test_weight_names_are_pinned() -> None:
    """Checkpoints are read by these names."""
    block_0 = {
        kind: [n for n in _model({"name": kind}).state_dict() if "blocks.1" not in n] for kind in ("gpt2", "mixtral")
    }
    assert block_0["gpt2"] == [
        "embedding.weight",
        "positions.weight",
        "blocks.0.attention_norm.weight",
        "blocks.0.attention_norm.bias",
        "blocks.0.attention.qkv.weight",
        "blocks.0.attention.out.weight",
        "blocks.0.mlp_norm.weight",
        "blocks.0.mlp_norm.bias",
        "blocks.0.mlp.up.weight",
        "blocks.0.mlp.up.bias",
        "blocks.0.mlp.down.weight",
        "blocks.0.mlp.down.bias",
        "norm.weight",
        "norm.bias",
    ]
    assert block_0["mixtral"] == [
        "embedding.weight",
        "blocks.0.attention_norm.weight",
        "blocks.0.attention.qkv.weight",
        "blocks.0.attention.out.weight",
        "blocks.0.mlp_norm.weight",
        "blocks.0.mlp.gate",
        "blocks.0.mlp.up",
        "blocks.0.mlp.down",
        "blocks.0.mlp.router.weight",
        "norm.weight",
    ]
    assert "head.weight" in _model({"tie_weights": False}).state_dict()
