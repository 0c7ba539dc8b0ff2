from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import longhand.models
from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.reading import Reading

# The three committed configurations of the system these models stem from, as they stand in its files.
GPT2: dict[str, Any] = {
    "name": "gpt2",
    "d_model": 128,
    "n_heads": 4,
    "n_layers": 4,
    "d_ff": 512,
    "max_seq_len": 20,
    "dropout": 0.0,
    "norm": "layernorm",
    "mlp": "gelu",
    "pos_encoding": "learned",
    "tie_weights": True,
}
LLAMA2 = GPT2 | {
    "name": "llama2",
    "d_ff": 384,
    "max_seq_len": 64,
    "norm": "rmsnorm",
    "mlp": "swiglu",
    "pos_encoding": "rope",
}
MIXTRAL = LLAMA2 | {
    "name": "mixtral",
    "d_model": 32,
    "n_heads": 2,
    "n_layers": 2,
    "d_ff": 64,
    "max_seq_len": 20,
    "mlp": "moe",
    "n_experts": 4,
    "top_k": 2,
}


@pytest.mark.row("S4-M2", "S4-M3", "S4-M4", "S4-M5")
@pytest.mark.parametrize(("keys", "expected"), [(GPT2, 796_160), (LLAMA2, 855_424), (MIXTRAL, 58_336)])
def test_parameter_counts_of_the_published_configurations(keys: dict[str, Any], expected: int) -> None:
    model = build_model(ModelConfig(**keys), 18)
    assert model.num_parameters() == expected
    assert sum(weight.numel() for weight in model.state_dict().values()) == expected


# Shapes of math-llm: width, blocks, passes, heads, hidden width, and the count with 16 tokens.
THINK = {
    "xsmall": (32, 4, 1, 4, 128, 51_904),
    "small": (256, 4, 1, 4, 512, 2_117_120),
    "medium": (512, 6, 1, 8, 1024, 12_634_112),
    "large": (512, 8, 1, 8, 2048, 25_236_480),
    "universal-small": (256, 1, 4, 4, 512, 2 * 16 * 256 + 527_104 + 4 * 256 + 2 * 256),
}


@pytest.mark.row("S0-M1", "S0-B7")
@pytest.mark.parametrize("size", list(THINK))
def test_parameter_counts_of_the_models_that_think(size: str) -> None:
    d_model, n_layers, n_loops, n_heads, d_ff, expected = THINK[size]
    config = ModelConfig(
        name="think", d_model=d_model, n_layers=n_layers, n_loops=n_loops, n_heads=n_heads, d_ff=d_ff, max_seq_len=128
    )
    with torch.device("meta"):
        assert build_model(config, 16).num_parameters() == expected


@pytest.mark.row("S0-M2")
def test_a_model_that_thinks_starts_as_the_published_one_does() -> None:
    model = build_model(ModelConfig(name="think", n_layers=2), 512, seed=0)
    for name, weight in model.named_parameters():
        if weight.dim() > 1:
            assert weight.std().item() == pytest.approx(0.02, rel=0.02), name
    assert model.head is not None
    assert model.head.bias is None
    assert model.embedding_scale == 128**0.5
    block = model.blocks[0]
    x = torch.randn(2, 3, 128, generator=torch.Generator().manual_seed(0))
    normed = block(x, Reading(torch.zeros(3, 3), None, None), None, 3)
    torch.testing.assert_close(normed.std(dim=-1), torch.ones(2, 3), rtol=0, atol=0.01)


@pytest.mark.parametrize("name", ["gpt2", "llama2", "mixtral"])
def test_a_seed_decides_the_weights_and_leaves_the_global_state_alone(name: str) -> None:
    config = ModelConfig(name=name, d_model=16, n_layers=1)
    torch.manual_seed(1)
    expected_next = torch.rand(3)
    torch.manual_seed(1)
    first = build_model(config, 18, seed=7)
    assert torch.equal(torch.rand(3), expected_next)
    again, other = build_model(config, 18, seed=7), build_model(config, 18, seed=8)
    for one, two in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)
    assert not torch.equal(first.embedding.weight, other.embedding.weight)


def test_without_a_seed_weights_come_from_the_global_state() -> None:
    config = ModelConfig(d_model=16, n_layers=1)
    torch.manual_seed(1)
    first, second = build_model(config, 18), build_model(config, 18)
    assert not torch.equal(first.embedding.weight, second.embedding.weight)
    torch.manual_seed(1)
    assert torch.equal(build_model(config, 18).embedding.weight, first.embedding.weight)


def test_an_empty_vocabulary_is_refused() -> None:
    with pytest.raises(UserError, match="at least one token"):
        build_model(ModelConfig(), 0)


@pytest.mark.parametrize("name", ["gpt2", "llama2", "mixtral"])
def test_normal_initialisation_has_the_standard_deviations_it_promises(name: str) -> None:
    config = ModelConfig(name=name, n_layers=2, init_std=0.03, embedding_std=0.2)
    model = build_model(config, 512, seed=0)
    block = model.blocks[1]
    assert model.embedding.weight.std().item() == pytest.approx(0.2, rel=0.02)
    assert block.attention.qkv.weight.std().item() == pytest.approx(0.03, rel=0.02)
    to_residual = 0.03 / 2 if name == "gpt2" else 0.03
    assert block.attention.out.weight.std().item() == pytest.approx(to_residual, rel=0.02)
    down = block.mlp.down if name == "mixtral" else block.mlp.down.weight
    assert down.std().item() == pytest.approx(to_residual, rel=0.02)


@pytest.mark.parametrize("name", ["gpt2", "llama2", "mixtral"])
def test_scaled_initialisation_keeps_the_size_of_what_passes_through(name: str) -> None:
    model = build_model(ModelConfig(name=name, d_ff=256, init="scaled", n_layers=1), 512, seed=0)
    assert model.embedding.weight.std().item() == pytest.approx(0.5, rel=0.02)
    block = model.blocks[0]
    assert block.attention.qkv.weight.std().item() == pytest.approx(128**-0.5, rel=0.02)
    assert block.attention.out.weight.std().item() == pytest.approx(128**-0.5, rel=0.02)
    down = block.mlp.down if name == "mixtral" else block.mlp.down.weight
    assert down.std().item() == pytest.approx(256**-0.5, rel=0.02)


def test_biases_start_at_zero_and_norms_at_one() -> None:
    model = build_model(ModelConfig(attention_bias=True, n_layers=1, d_model=16), 18, seed=0)
    for name, weight in model.named_parameters():
        if name.endswith(".bias"):
            assert not weight.any(), name
        elif "norm" in name:
            assert torch.equal(weight, torch.ones_like(weight)), name


def _words_of_code(path: Path) -> set[str]:
    """Names and strings in a module, without its docstrings and comments."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    words = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            words.add(node.value)
        elif isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Attribute):
            words.add(node.attr)
    return words


def test_shared_parts_know_no_architecture_by_name() -> None:
    named = {"gpt2.py", "llama2.py", "mixtral.py", "config.py", "hugging_face.py"}
    paths = {path.name: path for path in Path(longhand.models.__path__[0]).glob("*.py")}
    assert named < set(paths)
    for name in set(paths) - named:
        words = {word for word in _words_of_code(paths[name]) if re.search("gpt|llama|mixtral", word, re.IGNORECASE)}
        assert not words, f"{name} speaks of {words}"
