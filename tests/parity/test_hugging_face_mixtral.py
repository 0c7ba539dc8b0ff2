"""Our Mixtral and the class MixtralForCausalLM compute the same numbers from the same weights, router included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import save_file

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.models.hugging_face import from_hugging_face, to_hugging_face

IDS = torch.tensor([[1, 5, 13, 4, 17, 9, 2, 7], [3, 3, 14, 3, 17, 3, 2, 8]])
MANY = torch.randint(0, 18, (12, 8), generator=torch.Generator().manual_seed(3))  # enough to be grouped by expert
SIZES: dict[str, Any] = {
    "name": "mixtral",
    "d_model": 32,
    "n_heads": 4,
    "n_layers": 2,
    "d_ff": 24,
    "max_seq_len": 24,
    "init": "scaled",
}


def _theirs(config: dict[str, Any], weights: dict[str, torch.Tensor], folder: Path) -> Any:
    """The real class, loaded from files as anybody would."""
    (folder / "config.json").write_text(transformers.MixtralConfig(**config).to_json_string(use_diff=False))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model, report = transformers.MixtralForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    return model.eval()


def _assert_equal(ours: Decoder, theirs: Any, ids: torch.Tensor, mask: torch.Tensor | None = None) -> None:
    positions = None if mask is None else (mask.cumsum(1) - 1).clamp(min=0)
    expected = theirs(ids, attention_mask=mask, position_ids=positions, output_router_logits=True)
    real = torch.ones_like(ids).bool() if mask is None else mask.bool()
    assert torch.allclose(ours(ids, mask)[real], expected.logits[real], atol=1e-5)
    for block, router_logits in zip(ours.blocks, expected.router_logits, strict=True):
        probabilities = router_logits.softmax(-1).view(*ids.shape, -1)
        assert torch.allclose(block.mlp.routing.probabilities[real], probabilities[real], atol=1e-5)
    assert torch.allclose(ours.auxiliary_loss(), expected.aux_loss, atol=1e-5)


@pytest.mark.row("S4-M4")
@pytest.mark.parametrize(
    "keys",
    [{}, {"tie_weights": False}, {"n_kv_heads": 2, "n_experts": 8, "top_k": 3}, {"n_experts": 3, "top_k": 1}],
    ids=str,
)
@torch.no_grad()
def test_our_weights_in_their_class(keys: dict[str, Any], tmp_path: Path) -> None:
    ours = build_model(ModelConfig(**SIZES, **keys), 18, seed=0).eval()
    for weight in ours.parameters():
        weight += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    theirs = _theirs(*to_hugging_face(ours), tmp_path)
    assert theirs.config.router_aux_loss_coef == ours.config.aux_loss_weight
    _assert_equal(ours, theirs, IDS)
    _assert_equal(ours, theirs, MANY)


@pytest.mark.parametrize("tied", [True, False])
@torch.no_grad()
def test_their_weights_in_our_class(tied: bool) -> None:
    torch.manual_seed(0)
    config = transformers.MixtralConfig(
        vocab_size=18,
        hidden_size=32,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_local_experts=4,
        max_position_embeddings=24,
        tie_word_embeddings=tied,
        initializer_range=0.2,
        router_aux_loss_coef=0.07,
    )
    theirs = transformers.MixtralForCausalLM(config).eval()
    ours = from_hugging_face(config.to_dict(), theirs.state_dict()).eval()
    assert (ours.config.rope_theta, ours.config.aux_loss_weight) == (1_000_000.0, 0.07)
    _assert_equal(ours, theirs, IDS)
    _assert_equal(ours, theirs, MANY)
    assert ours.num_parameters() == theirs.num_parameters()


@torch.no_grad()
def test_padding_counts_neither_in_the_logits_nor_in_the_balance(tmp_path: Path) -> None:
    ours = build_model(ModelConfig(**SIZES), 18, seed=0).eval()
    theirs = _theirs(*to_hugging_face(ours), tmp_path)
    _assert_equal(ours, theirs, IDS, torch.tensor([[1] * 8, [0] * 3 + [1] * 5]))
    _assert_equal(ours, theirs, IDS, torch.tensor([[1] * 8, [1] * 5 + [0] * 3]))


@pytest.mark.row("S4-M4")
def test_gradients_of_the_balance_loss_agree(tmp_path: Path) -> None:
    ours = build_model(ModelConfig(**SIZES), 18, seed=0).eval()
    theirs = _theirs(*to_hugging_face(ours), tmp_path)
    theirs(MANY, output_router_logits=True).aux_loss.backward()
    ours(MANY)
    balance = ours.auxiliary_loss()
    assert balance is not None
    balance.backward()
    for block, layer in zip(ours.blocks, theirs.model.layers, strict=True):
        assert block.mlp.router.weight.grad.any()
        assert torch.allclose(block.mlp.router.weight.grad, layer.mlp.gate.weight.grad, atol=1e-5)
