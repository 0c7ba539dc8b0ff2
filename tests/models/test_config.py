from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from pydantic import BaseModel, ValidationError

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder

TINY: dict[str, Any] = {"d_model": 16, "n_heads": 2, "n_layers": 2, "d_ff": 24, "max_seq_len": 12}
OF_ANY_BLOCK = ("d_model", "n_layers", "max_seq_len")
IDS = torch.tensor([[1, 5, 13, 4, 17, 9, 2], [3, 3, 14, 3, 17, 3, 2]])


def _tiny(**keys: Any) -> Decoder:
    sizes = TINY if keys.get("name") != "mamba" or "block" in keys else {k: TINY[k] for k in OF_ANY_BLOCK}
    return build_model(ModelConfig(**{**sizes, **keys}), 18, seed=0)


def _fingerprint(model: Decoder) -> tuple[Any, ...]:
    """Everything a key of the model section can change, but for dropout and the weight of the balance loss."""
    model.eval()
    with torch.no_grad():
        logits = model(IDS)
    shapes = {name: tuple(weight.shape) for name, weight in model.state_dict().items()}
    return shapes, logits.flatten().tolist()


CHANGES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("name", {}, {"name": "llama2"}),
    ("name only changes defaults", {"norm": "rmsnorm"}, {"norm": "rmsnorm", "name": "mixtral"}),
    ("d_model", {}, {"d_model": 32}),
    ("n_heads", {}, {"n_heads": 4}),
    ("n_kv_heads", {"n_heads": 4}, {"n_heads": 4, "n_kv_heads": 2}),
    ("n_layers", {}, {"n_layers": 3}),
    ("d_ff", {}, {"d_ff": 32}),
    ("max_seq_len", {}, {"max_seq_len": 20}),
    ("norm", {}, {"norm": "rmsnorm"}),
    ("mlp: relu", {}, {"mlp": "relu"}),
    ("mlp: swiglu", {}, {"mlp": "swiglu"}),
    ("mlp: moe", {}, {"mlp": "moe"}),
    ("pos_encoding: none", {}, {"pos_encoding": "none"}),
    ("pos_encoding: sinusoidal", {"pos_encoding": "none"}, {"pos_encoding": "sinusoidal"}),
    ("pos_encoding: rope", {"pos_encoding": "none"}, {"pos_encoding": "rope"}),
    ("tie_weights", {}, {"tie_weights": False}),
    ("n_experts", {"mlp": "moe"}, {"mlp": "moe", "n_experts": 3}),
    ("top_k", {"mlp": "moe"}, {"mlp": "moe", "top_k": 1}),
    ("attention_bias", {}, {"attention_bias": True}),
    ("mlp_bias", {}, {"mlp_bias": False}),
    ("mlp_bias of swiglu", {"name": "llama2"}, {"name": "llama2", "mlp_bias": True}),
    ("norm_eps", {}, {"norm_eps": 0.1}),
    ("norm_eps of rmsnorm", {"norm": "rmsnorm"}, {"norm": "rmsnorm", "norm_eps": 0.1}),
    ("rope_theta", {"name": "llama2"}, {"name": "llama2", "rope_theta": 100.0}),
    ("init", {}, {"init": "scaled"}),
    ("init_std", {"embedding_std": 0.02}, {"embedding_std": 0.02, "init_std": 0.3}),
    ("embedding_std", {}, {"embedding_std": 0.3}),
    ("embedding_std of scaled", {"init": "scaled"}, {"init": "scaled", "embedding_std": 0.3}),
    ("residual_init_scaling", {}, {"residual_init_scaling": False}),
    ("norm_place", {}, {"norm_place": "post"}),
    ("scale_embeddings", {}, {"scale_embeddings": True}),
    ("head_bias", {"tie_weights": False}, {"tie_weights": False, "head_bias": True}),
    (
        "legacy_cross_attention",
        {"norm_place": "post", "attention_bias": True},
        {"norm_place": "post", "attention_bias": True, "legacy_cross_attention": True},
    ),
    ("block: feedback", {}, {"block": "feedback"}),
    ("block: ssm", {"name": "mamba"}, {"name": "mamba", "block": "attention"}),
    ("d_state", {"name": "mamba"}, {"name": "mamba", "d_state": 8}),
    ("d_conv", {"name": "mamba"}, {"name": "mamba", "d_conv": 3}),
    ("expand", {"name": "mamba"}, {"name": "mamba", "expand": 1}),
    ("n_loops", {}, {"n_loops": 2, "loop_embeddings": False}),
    ("loop_embeddings", {"n_loops": 2}, {"n_loops": 2, "loop_embeddings": False}),
    ("n_prelude", {"name": "looped"}, {"name": "looped", "n_prelude": 2}),
    ("n_prelude: 0 is a loop too", {"n_loops": 2, "loop_embeddings": False}, {"n_loops": 2, "n_prelude": 0}),
    ("n_coda", {"name": "looped"}, {"name": "looped", "n_coda": 0}),
    ("n_loops of looped", {"name": "looped"}, {"name": "looped", "n_loops": 3}),
    ("softmax", {}, {"softmax": "softmax1"}),
    ("pos_encoding: pope", {"pos_encoding": "none"}, {"pos_encoding": "pope"}),
    ("rope_theta of pope", {"pos_encoding": "pope"}, {"pos_encoding": "pope", "rope_theta": 100.0}),
    ("init: xavier", {"init": "scaled"}, {"init": "xavier"}),
]


@pytest.mark.bug("S4-2")
@pytest.mark.row("S0-B6", "S4-M1", "S4-C1")
@pytest.mark.parametrize(("before", "after"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_every_key_changes_the_model(before: dict[str, Any], after: dict[str, Any]) -> None:
    first = _fingerprint(_tiny(**before))
    assert _fingerprint(_tiny(**before)) == first
    assert _fingerprint(_tiny(**after)) != first


def test_the_list_of_changes_names_every_key() -> None:
    elsewhere = {"dropout", "dropout_places", "aux_loss_weight", "layout"}  # test_decoder.py, training, slot_attention
    elsewhere |= {"max_digits", "random_loops", "loops_with_gradient"}  # test_digit_positions.py, test_recurrence.py
    changed = {key for _, before, after in CHANGES for key in after if after.get(key) != before.get(key)}
    assert changed | elsewhere == set(ModelConfig.model_fields)


@pytest.mark.row("S0-B6")
@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"d_model": 130, "n_heads": 4}, "d_model 130 is not divisible by n_heads 4"),
        ({"n_heads": 4, "n_kv_heads": 3}, "n_heads 4 is not divisible by n_kv_heads 3"),
        ({"d_model": 12, "n_heads": 4, "pos_encoding": "rope"}, "d_model / n_heads is 3"),
        ({"name": "mixtral", "n_experts": 2, "top_k": 3}, "top_k 3 is more than n_experts 2"),
        ({"n_experts": 4}, "n_experts has no effect with mlp: gelu"),
        ({"n_coda": 1}, "n_coda has no effect without n_prelude; remove it or use name: looped"),
        ({"random_loops": False}, "random_loops has no effect without n_prelude"),
        ({"name": "looped", "loop_embeddings": True}, "loop_embeddings is not possible with n_prelude"),
        ({"name": "mamba", "n_prelude": 1}, "n_prelude is not possible with block: ssm; use block: attention"),
        (
            {"name": "looped", "random_loops": False, "loops_with_gradient": 8},
            "loops_with_gradient 8 has no effect with n_loops: 8; lower it or remove it",
        ),
        ({"name": "llama2", "top_k": 2}, "top_k has no effect with mlp: swiglu"),
        ({"aux_loss_weight": 0.1}, "aux_loss_weight has no effect with mlp: gelu"),
        ({"name": "mixtral", "mlp_bias": True}, "mlp_bias has no effect with mlp: moe"),
        ({"rope_theta": 10.0}, "rope_theta has no effect with pos_encoding: learned"),
        ({"init": "scaled", "init_std": 0.1}, "init_std has no effect with init: scaled"),
        ({"block": "ssm", "n_heads": 4}, "n_heads has no effect with block: ssm"),
        ({"name": "mamba", "d_ff": 64}, "d_ff has no effect with block: ssm"),
        ({"name": "mamba", "pos_encoding": "rope"}, "pos_encoding has no effect with block: ssm"),
        ({"name": "mamba", "rope_theta": 10.0}, "rope_theta has no effect with block: ssm"),
        ({"name": "mamba", "softmax": "softmax1"}, "softmax has no effect with block: ssm"),
        ({"name": "mamba", "mlp": "moe"}, "mlp has no effect with block: ssm"),
        ({"name": "mamba", "norm_place": "post"}, "norm_place is not possible with block: ssm"),
        ({"name": "mamba", "legacy_cross_attention": True}, "legacy_cross_attention is not possible with block: ssm"),
        ({"name": "mamba", "dropout_places": ["attention"]}, "dropout_places: attention has no effect with block: ssm"),
        ({"d_state": 8}, "d_state has no effect with block: attention"),
        ({"block": "feedback", "expand": 3}, "expand has no effect with block: feedback"),
        ({"name": "llama2", "block": "feedback"}, "pos_encoding: rope is not possible with block: feedback"),
        ({"block": "feedback", "pos_encoding": "pope"}, "pos_encoding: pope is not possible with block: feedback"),
        ({"block": "feedback", "n_loops": 2}, "n_loops is not possible with block: feedback"),
        ({"name": "mixtral", "n_loops": 2}, "n_loops is not possible with mlp: moe"),
        ({"loop_embeddings": True}, "loop_embeddings has no effect with n_loops: 1"),
        ({"name": "poc", "block": "feedback", "legacy_cross_attention": True}, "needs norm_place: post and block"),
        ({"init": "xavier", "embedding_std": 0.1}, "embedding_std has no effect with init: xavier"),
        ({"head_bias": True}, "head_bias needs a head of its own"),
        ({"legacy_cross_attention": True}, "legacy_cross_attention needs norm_place: post"),
        ({"name": "poc", "attention_bias": False}, "legacy_cross_attention adds nothing without biases"),
        ({"dropout_places": ["mlp", "mlp"]}, "dropout_places names a place twice: mlp, mlp"),
        ({"mlp": "moe", "dropout_places": ["mlp"]}, "dropout_places: mlp has no effect with mlp: moe"),
    ],
)
def test_impossible_or_idle_keys_are_refused_in_one_line(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as refused:
        ModelConfig(**keys)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "keys",
    [{"norn": "rmsnorm"}, {"name": "gpt3"}, {"mlp": "gellu"}, {"d_model": 0}, {"d_model": "wide"}, {"dropout": 1.0}],
)
def test_unknown_keys_and_values_out_of_range_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        ModelConfig(**keys)
    assert [error["loc"] for error in refused.value.errors()] == [tuple(keys)]


def test_errors_keep_their_place_inside_a_larger_configuration() -> None:
    class Run(BaseModel):
        model: ModelConfig

    with pytest.raises(ValidationError) as refused:
        Run.model_validate({"model": {"norn": "rmsnorm"}})
    assert refused.value.errors()[0]["loc"] == ("model", "norn")
    with pytest.raises(ValidationError, match="d_model 130 is not divisible by n_heads 4"):
        Run.model_validate({"model": {"d_model": 130}})


@pytest.mark.parametrize("name", ["gpt2", "llama2", "mixtral", "think", "poc", "mamba"])
@pytest.mark.parametrize("init", ["normal", "scaled", "xavier"])
def test_a_saved_configuration_says_everything_and_reads_back_equal(name: str, init: str) -> None:
    config = ModelConfig(name=name, init=init)
    saved = json.loads(json.dumps(config.model_dump(mode="json")))
    assert ModelConfig(**saved) == config
    assert saved["norm"] is not None
    assert (saved["d_ff"] is None) == (saved["n_heads"] is None) == (name == "mamba")
    assert json.loads(config.model_dump_json()) == saved
    assert "norm" not in config.model_dump(exclude={"norm"})


@pytest.mark.row("S4-M2", "S4-M3", "S4-M4")
def test_names_fill_in_the_parts_of_their_papers() -> None:
    parts = {
        name: (config.norm, config.mlp, config.pos_encoding, config.d_ff, config.residual_init_scaling)
        for name in ("gpt2", "llama2", "mixtral")
        for config in [ModelConfig(name=name)]
    }
    assert parts == {
        "gpt2": ("layernorm", "gelu", "learned", 512, True),
        "llama2": ("rmsnorm", "swiglu", "rope", 384, False),
        "mixtral": ("rmsnorm", "moe", "rope", 384, False),
    }


def test_text_from_the_command_line_is_understood() -> None:
    config = ModelConfig(d_model="64", n_heads="2", tie_weights="false", dropout="0.1")
    assert (config.d_model, config.n_heads, config.n_kv_heads, config.d_ff) == (64, 2, 2, 256)
    assert (config.tie_weights, config.dropout) == (False, 0.1)


def test_every_key_is_described() -> None:
    for name, field in ModelConfig.model_fields.items():
        assert field.description, name
