"""A Qwen2 model small enough to be made on the spot, saved as a directory and read as a user's would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

VOCAB, PAD, EOS = 400, 0, 7


def tiny_qwen2(directory: Path, *, seed: int = 0, initializer_range: float = 0.15, **keys: Any) -> Path:
    """Save a random model of width 64 with three layers and a tied head; returns `directory`.

    The spread of its weights is larger than usual, so that its states are of the order of 1 and its choices distinct.
    """
    sizes = {
        "vocab_size": VOCAB,
        "hidden_size": 64,
        "intermediate_size": 176,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": 5_000.0},
        "initializer_range": initializer_range,
        "bos_token_id": None,
        "eos_token_id": EOS,
        "pad_token_id": PAD,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2ForCausalLM(Qwen2Config(**{**sizes, **keys}))
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight"):
                parameter.data.uniform_(0.5, 1.5)  # gains that matter
    model.save_pretrained(directory)
    return directory
