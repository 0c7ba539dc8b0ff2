"""Our Llama-2 and the class LlamaForCausalLM compute the same numbers from the same weights."""

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
SIZES: dict[str, Any] = {
    "name": "llama2",
    "d_model": 32,
    "n_heads": 4,
    "n_layers": 2,
    "d_ff": 40,
    "max_seq_len": 48,
    "init": "scaled",
}


def _theirs(config: dict[str, Any], weights: dict[str, torch.Tensor], folder: Path) -> Any:
    """The real class, loaded from files as anybody would."""
    (folder / "config.json").write_text(transformers.LlamaConfig(**config).to_json_string(use_diff=False))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model, report = transformers.LlamaForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    return model.eval()


@pytest.mark.row("S4-M3")
@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"tie_weights": False},
        {"n_kv_heads": 2},
        {"n_kv_heads": 1, "rope_theta": 50.0, "norm_eps": 1e-3},
        {"attention_bias": True, "mlp_bias": True},
    ],
    ids=str,
)
@torch.no_grad()
def test_our_weights_in_their_class(keys: dict[str, Any], tmp_path: Path) -> None:
    ours = build_model(ModelConfig(**SIZES, **keys), 18, seed=0).eval()
    for weight in ours.parameters():
        weight += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    theirs = _theirs(*to_hugging_face(ours), tmp_path)
    assert torch.allclose(ours(IDS), theirs(IDS).logits, atol=1e-5)
    long = torch.arange(45)[None] % 18
    assert torch.allclose(ours(long), theirs(long).logits, atol=1e-5)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("n_kv_heads", [4, 2])
@torch.no_grad()
def test_their_weights_in_our_class(tied: bool, n_kv_heads: int) -> None:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=18,
        hidden_size=32,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=n_kv_heads,
        max_position_embeddings=48,
        tie_word_embeddings=tied,
        initializer_range=0.2,
        rope_parameters={"rope_type": "default", "rope_theta": 300.0},
    )
    theirs = transformers.LlamaForCausalLM(config).eval()
    for weight in theirs.parameters():
        weight += 0.1 * torch.randn_like(weight)
    ours = from_hugging_face(config.to_dict(), theirs.state_dict()).eval()
    assert ours.config.rope_theta == 300.0
    assert ours.config.tie_weights == tied
    assert torch.allclose(ours(IDS), theirs(IDS).logits, atol=1e-5)
    assert ours.num_parameters() == theirs.num_parameters()


@torch.no_grad()
def test_left_padding_and_greedy_decoding_agree(tmp_path: Path) -> None:
    ours = build_model(ModelConfig(**SIZES, n_kv_heads=2), 18, seed=0).eval()
    theirs = _theirs(*to_hugging_face(ours), tmp_path)
    mask = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])
    ids = IDS[:, :5] * mask
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    expected = theirs(ids, attention_mask=mask, position_ids=positions).logits
    assert torch.allclose(ours(ids, mask)[mask.bool()], expected[mask.bool()], atol=1e-5)
    theirs.generation_config.update(pad_token_id=2, eos_token_id=2, bos_token_id=1)
    generated = theirs.generate(ids, attention_mask=mask, max_new_tokens=12, do_sample=False)
    assert torch.equal(ours.generate(ids, 12, 2, mask), generated)
