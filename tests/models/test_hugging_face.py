"""What needs no Hugging Face class; parity with the real ones is in tests/parity."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.hugging_face import from_hugging_face, to_hugging_face

SIZES: dict[str, Any] = {"d_model": 16, "n_heads": 4, "n_layers": 2, "d_ff": 24, "max_seq_len": 12}
KINDS: list[dict[str, Any]] = [
    {"name": "gpt2"},
    {"name": "gpt2", "mlp_bias": False, "mlp": "relu"},
    {"name": "gpt2", "attention_bias": True, "tie_weights": False, "dropout": 0.1},
    {"name": "llama2", "n_kv_heads": 2, "rope_theta": 500.0},
    {"name": "llama2", "attention_bias": True, "mlp_bias": True, "tie_weights": False},
    {"name": "mixtral", "n_experts": 3, "top_k": 1, "aux_loss_weight": 0.5, "norm_eps": 1e-4},
]


@pytest.mark.parametrize("keys", KINDS, ids=str)
def test_there_and_back_is_the_same_model(keys: dict[str, Any]) -> None:
    model = build_model(ModelConfig(**SIZES, **keys), 18, seed=0)
    again = from_hugging_face(*to_hugging_face(model))
    ignored = {"residual_init_scaling", "embedding_std"}
    assert again.config.model_dump(exclude=ignored) == model.config.model_dump(exclude=ignored)
    for (name, weight), other in zip(model.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(weight, other), name


def test_exported_weights_share_no_memory_with_the_model() -> None:
    model = build_model(ModelConfig(**SIZES), 18, seed=0)
    _, weights = to_hugging_face(model)
    pointers = {weight.untyped_storage().data_ptr() for weight in model.state_dict().values()}
    assert len({weight.untyped_storage().data_ptr() for weight in weights.values()}) == len(weights)
    assert all(w.is_contiguous() and w.untyped_storage().data_ptr() not in pointers for w in weights.values())


def test_parts_not_names_decide_the_class() -> None:
    disguised = ModelConfig(**SIZES, name="llama2", norm="layernorm", mlp="gelu", pos_encoding="learned")
    config, _ = to_hugging_face(build_model(disguised, 18))
    assert config["model_type"] == "gpt2"


@pytest.mark.parametrize(
    "keys",
    [
        {"norm": "rmsnorm"},
        {"pos_encoding": "none"},
        {"pos_encoding": "sinusoidal"},
        {"n_kv_heads": 2},
        {"name": "mixtral", "attention_bias": True},
        {"name": "llama2", "norm": "layernorm"},
    ],
    ids=str,
)
def test_models_no_class_can_hold_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="no Hugging Face class here has norm"):
        to_hugging_face(build_model(ModelConfig(**SIZES, **keys), 18))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("gpt2", {"model_type": "opt"}, "model_type 'opt' is not supported"),
        ("gpt2", {"activation_function": "gelu"}, "activation_function 'gelu'"),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx: True"),
        ("gpt2", {"n_head": 5}, "d_model 16 is not divisible by n_heads 5"),
        ("gpt2", {"n_inner": 32}, "has shape"),
        ("gpt2", {"n_layer": 3}, r"no tensor 'transformer.h.2.ln_1.weight'"),
        ("gpt2", {"n_layer": 1}, r"hold a tensor 'transformer.h.1"),
        ("llama2", {"hidden_act": "gelu"}, "hidden_act 'gelu'"),
        ("llama2", {"head_dim": 8}, "head_dim 8 is not hidden_size / num_attention_heads = 4"),
        ("llama2", {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1.0}}, "type 'yarn'"),
        ("llama2", {"rope_scaling": {"type": "linear", "factor": 2.0}}, "type 'linear'"),
        ("mixtral", {"sliding_window": 4}, "sliding_window 4"),
        ("mixtral", {"router_jitter_noise": 0.1}, "router_jitter_noise 0.1"),
    ],
)
def test_variants_not_computed_here_are_refused(name: str, change: dict[str, Any], message: str) -> None:
    config, weights = to_hugging_face(build_model(ModelConfig(**SIZES, name=name), 18, seed=0))
    with pytest.raises(UserError, match=message) as refused:
        from_hugging_face({**config, **change}, weights)
    assert "\n" not in str(refused.value)


def test_a_configuration_without_sizes_is_refused() -> None:
    with pytest.raises(UserError, match="no key 'n_embd'"):
        from_hugging_face({"model_type": "gpt2"}, {})


def test_a_bias_the_configuration_denies_is_refused() -> None:
    config, weights = to_hugging_face(build_model(ModelConfig(**SIZES), 18, seed=0))
    weights["transformer.h.0.attn.c_attn.bias"] += 1.0
    with pytest.raises(UserError, match=r"c_attn.bias is not zero"):
        from_hugging_face(config, weights)


def test_a_second_head_must_equal_the_embedding_it_is_tied_to() -> None:
    config, weights = to_hugging_face(build_model(ModelConfig(**SIZES), 18, seed=0))
    same = {**weights, "lm_head.weight": weights["transformer.wte.weight"]}
    assert from_hugging_face(config, same).config.tie_weights
    with pytest.raises(UserError, match="differs from the token embedding"):
        from_hugging_face(config, {**weights, "lm_head.weight": weights["transformer.wte.weight"] + 1})


def test_older_files_with_tables_and_bare_names_are_read() -> None:
    config, weights = to_hugging_face(build_model(ModelConfig(**SIZES, attention_bias=True), 18, seed=0))
    del config["attention_bias"], config["mlp_bias"]
    bare = {name.removeprefix("transformer."): weight for name, weight in weights.items()}
    bare["h.0.attn.bias"] = torch.ones(1, 1, 12, 12)
    ids = torch.tensor([[1, 2, 3]])
    assert torch.equal(from_hugging_face(config, bare)(ids), from_hugging_face(config, weights)(ids))


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"norm_place": "post"}, "norm_place: post"),
        ({"block": "feedback"}, "block: feedback"),
        ({"n_loops": 2}, "n_loops: 2"),
        ({"softmax": "softmax1"}, "softmax: softmax1"),
        ({"pos_encoding": "pope"}, "pos_encoding: pope"),
        ({"scale_embeddings": True}, "scale_embeddings: true"),
        ({"head_bias": True, "tie_weights": False}, "head_bias: true"),
    ],
)
def test_a_model_no_class_can_hold_is_not_exported_as_something_else(keys: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError, match=f"no Hugging Face class here has {named}"):
        to_hugging_face(build_model(ModelConfig(**SIZES, **keys), 18))
