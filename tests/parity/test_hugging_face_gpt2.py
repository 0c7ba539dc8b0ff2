"""Our GPT-2 and the class GPT2LMHeadModel compute the same numbers from the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import save_file

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.hugging_face import from_hugging_face, to_hugging_face

IDS = torch.tensor([[1, 5, 13, 4, 17, 9, 2, 7], [3, 3, 14, 3, 17, 3, 2, 8]])
SIZES: dict[str, Any] = {"d_model": 24, "n_heads": 3, "n_layers": 2, "d_ff": 40, "max_seq_len": 12, "init": "scaled"}


def _theirs(config: dict[str, Any], weights: dict[str, torch.Tensor], folder: Path) -> Any:
    """The real class, loaded from files as anybody would."""
    (folder / "config.json").write_text(transformers.GPT2Config(**config).to_json_string(use_diff=False))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model, report = transformers.GPT2LMHeadModel.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    return model.eval()


@pytest.mark.row("S4-M2")
@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"tie_weights": False},
        {"attention_bias": True},
        {"mlp": "relu", "mlp_bias": False, "norm_eps": 1e-3},
    ],
    ids=str,
)
@torch.no_grad()
def test_our_weights_in_their_class(keys: dict[str, Any], tmp_path: Path) -> None:
    ours = build_model(ModelConfig(**SIZES, **keys), 18, seed=0).eval()
    for weight in ours.parameters():
        weight += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))  # biases too
    theirs = _theirs(*to_hugging_face(ours), tmp_path)
    assert type(theirs).__name__ == "GPT2LMHeadModel"
    assert torch.allclose(ours(IDS), theirs(IDS).logits, atol=1e-5)
    assert theirs.config.tie_word_embeddings == ours.config.tie_weights


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("activation", ["gelu_new", "relu"])
@torch.no_grad()
def test_their_weights_in_our_class(tied: bool, activation: str) -> None:
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=18,
        n_embd=24,
        n_head=3,
        n_layer=2,
        n_positions=12,
        activation_function=activation,
        tie_word_embeddings=tied,
        initializer_range=0.3,
    )
    theirs = transformers.GPT2LMHeadModel(config).eval()
    for weight in theirs.parameters():
        weight += 0.1 * torch.randn_like(weight)
    ours = from_hugging_face(config.to_dict(), theirs.state_dict()).eval()
    assert ours.config.attention_bias
    assert ours.config.tie_weights == tied
    assert torch.allclose(ours(IDS), theirs(IDS).logits, atol=1e-5)
    assert ours.num_parameters() == theirs.num_parameters()


@torch.no_grad()
def test_left_padding_and_greedy_decoding_agree(tmp_path: Path) -> None:
    ours = build_model(ModelConfig(**SIZES, embedding_std=0.3), 18, seed=0).eval()
    theirs = _theirs(*to_hugging_face(ours), tmp_path)
    mask = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])
    ids = IDS[:, :5] * mask
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    expected = theirs(ids, attention_mask=mask, position_ids=positions).logits
    assert torch.allclose(ours(ids, mask)[mask.bool()], expected[mask.bool()], atol=1e-5)
    theirs.generation_config.update(pad_token_id=2, eos_token_id=2, bos_token_id=1)
    generated = theirs.generate(ids, attention_mask=mask, max_new_tokens=6, do_sample=False)
    assert torch.equal(ours.generate(ids, 6, 2, mask), generated)


def test_gradients_agree() -> None:
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=18, n_embd=24, n_head=3, n_layer=2, n_positions=12)
    theirs = transformers.GPT2LMHeadModel(config).eval()
    ours = from_hugging_face(config.to_dict(), theirs.state_dict()).eval()
    theirs(IDS).logits.square().sum().backward()
    ours(IDS).square().sum().backward()
    assert torch.allclose(ours.embedding.weight.grad, theirs.transformer.wte.weight.grad, atol=1e-4)
    first = theirs.transformer.h[0].attn.c_attn.weight.grad
    assert torch.allclose(ours.blocks[0].attention.qkv.weight.grad.t(), first, atol=1e-4)
