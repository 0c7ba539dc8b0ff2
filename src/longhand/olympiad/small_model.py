"""A Qwen2-shaped model small enough for a laptop, with a tokenizer of its own, as a directory that anything reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from longhand.atomic import replacing_directory
from longhand.errors import UserError
from longhand.integrations.extras import extra
from longhand.olympiad.data.chat import SYSTEM_PROMPT
from longhand.olympiad.quiet import without_bars
from longhand.olympiad.small_model_sizes import SmallModel
from longhand.olympiad.tokenizer import train_bpe
from longhand.olympiad.word_problems.generate import GeneratedSource

CORPUS = 1500
"""Generated problems that the tokenizer is learnt from (count)."""


def write_small_model(path: Path, sizes: SmallModel) -> int:
    """Make the model and write it to a new directory, whole or not at all; returns the number of its parameters.

    The tokenizer is learnt from generated training problems. Raises `UserError` for impossible sizes, and if something
    is at `path` already.
    """
    refuse_existing(path)
    if sizes.hidden % sizes.heads or sizes.hidden // sizes.heads % 2:
        raise UserError(f"hidden {sizes.hidden} has to be an even multiple of heads {sizes.heads}; change one of them")
    if sizes.heads % sizes.kv_heads:
        raise UserError(f"heads {sizes.heads} is no multiple of kv_heads {sizes.kv_heads}; change one of them")
    with extra("olympiad"):
        from transformers import Qwen2Config, Qwen2ForCausalLM
    tokenizer = train_bpe(_corpus(), sizes.vocab)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=sizes.hidden,
        intermediate_size=sizes.intermediate or 3 * sizes.hidden,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        num_key_value_heads=sizes.kv_heads,
        max_position_embeddings=sizes.context,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},  # as Qwen2.5-Math has it
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(sizes.seed)
        model = Qwen2ForCausalLM(config)
    with replacing_directory(path) as folder, without_bars():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def refuse_existing(path: Path) -> None:
    """Raise `UserError` unless `path` is free, or an empty directory."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UserError(f"{path} is there already; name a new directory")


def _corpus() -> Iterator[str]:
    yield SYSTEM_PROMPT
    for problem in GeneratedSource(CORPUS).read():
        yield from (problem.question, problem.solution)
