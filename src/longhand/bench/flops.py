"""How much arithmetic a step or an answer takes: the standard formula, the same for every contender.

Counted are the matrix products of the plain model, a multiply-add as two operations: 2 per matrix parameter and token
forwards (the head included, the look-up of embeddings not), 4 x layers x keys x width per token for attention, and
three times that for training, that is 6 x parameters x tokens + attention (arXiv:2001.08361, section 2.1). Training
reads whole rows, each token against all tokens of the row; decoding reads each token once, against those up to it,
and asks the head for the tokens it writes. Whoever skips some of this work, or does it twice, is measured by the
same count: it is the rate of *useful* operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from longhand.bench.spec import DecodeSpec, TrainSpec

if TYPE_CHECKING:
    from longhand.models.config import ModelConfig

FORMULA = (
    "useful FLOPs of the plain model: training 6 x matrix parameters x tokens + 12 x layers x width x tokens x row"
    " length; decoding a third of it, each token once against the tokens up to it"
)


def matrix_parameters(config: ModelConfig) -> int:
    """Parameters of the matrices in the blocks of a GPT-2: attention (4 d^2) and MLP (2 d d_ff)."""
    return config.n_layers * (4 * config.d_model**2 + 2 * config.d_model * config.d_ff)


def training_flops(spec: TrainSpec) -> int:
    """Operations of one optimizer step."""
    config, rows, time = spec.model_config(), spec.batch, spec.tokens
    tokens = rows * time
    products = matrix_parameters(config) + config.d_model * spec.vocab_size
    attention = 2 * config.n_layers * config.d_model * time
    return 3 * 2 * tokens * (products + attention)


def decoding_flops(spec: DecodeSpec) -> int:
    """Operations of answering one batch of prompts with a key-value cache."""
    config = spec.model_config()
    total = 0
    for prompt in spec.prompt_ids:
        read = len(prompt) + spec.new_tokens - 1  # the last token is written and not read
        keys = read * (read + 1) // 2
        total += read * matrix_parameters(config) + 2 * config.n_layers * config.d_model * keys
        total += spec.new_tokens * config.d_model * spec.vocab_size
    return 2 * total
