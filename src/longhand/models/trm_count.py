"""What a recursion costs, by formula: passes, depth, parameters, arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from longhand.models.trm_config import TrmConfig


@dataclass(frozen=True, slots=True)
class TrmCount:
    """The cost of a recursive head on states that are there already, or of a whole-answer model.

    `block_calls` counts passes through the net for one answer, or one batch in training, of which `graded_calls` have
    gradients; `effective_depth` counts the layers a state passes one after the other. `trainable` and `frozen` are
    numbers. FLOPs are those of matrix products per token of a sequence, a multiply-add counted as two, attention over
    all tokens of the sequence as it is computed; `training_flops` is one visit of a batch: all its steps of the
    supervision, the rounds without gradients among them.
    """

    block_calls: int
    graded_calls: int
    effective_depth: int
    trainable: int
    frozen: int
    forward_flops: int
    training_flops: int

    def __str__(self) -> str:
        return (
            f"{self.effective_depth:,} layers deep: {self.block_calls:,} passes through the net, {self.graded_calls:,}"
            f" of them with gradients in training; {self.trainable:,} parameters trained and {self.frozen:,} frozen;"
            f" {self.forward_flops:,} FLOPs per token of an answer, {self.training_flops:,} of a batch in training"
        )


def count_trm(
    config: TrmConfig,
    vocab_size: int,
    seq_len: int,
    *,
    norm_parameters: int | None = None,
    labelled: float = 1.0,
    n_supervision: int | None = None,
) -> TrmCount:
    """Count the model of a configuration on a vocabulary, for sequences of `seq_len` tokens.

    `norm_parameters` are those of a recursive head's final norm (default: a gain per channel), `labelled` the share of
    tokens whose logits the loss asks for; an answer asks for those of every token, a whole-answer model after every
    step. The vocabulary's head is taken to have no bias, and its logits to be held at once.
    """
    steps = config.n_supervision if n_supervision is None else n_supervision
    rounds, per_round, d = config.t_recursion, config.calls_per_round, config.d_model
    calls, graded = steps * rounds * per_round, steps * config.rounds_with_gradient * per_round
    net = config.n_layers * layer_flops(config, seq_len)
    head = 2 * d * vocab_size
    # The way back takes a product by the input and one by the weight for each product forwards. Only the very first
    # matrix of a graded round reads what has none, unless that is a learned start; of a frozen head the latter falls
    # away.
    whole = config.attention == "bidirectional"  # its x comes from an embedding that is trained
    first_reads = 0 if whole else steps - (1 if config.start == "learned" else 0)
    back = graded * 2 * net - first_reads * 2 * d * 3 * d
    head_back = head * (1 if config.freeze_lm_head else 2)
    in_training = steps * labelled * (head + head_back)
    lm_head = d * vocab_size
    own = net_parameters(config) + (2 * d if config.start == "learned" else 0)
    if whole:
        own += lm_head + (d + 1 if config.halting else 0)  # embedding and halting head
        in_training += steps * (head + (6 * d / seq_len if config.halting else 0))  # which rows are right, and halting
    else:
        own += d if norm_parameters is None else norm_parameters
    return TrmCount(
        block_calls=calls,
        graded_calls=graded,
        effective_depth=calls * config.n_layers,
        trainable=own + (0 if config.freeze_lm_head else lm_head),
        frozen=lm_head if config.freeze_lm_head else 0,
        forward_flops=calls * net + head * (steps if whole else 1),
        training_flops=calls * net + back + round(in_training),
    )


def net_parameters(config: TrmConfig) -> int:
    """Numbers in the net: 4 d^2 + 3 d d_ff for each layer, which is 16 d^2 where d_ff is 4 d."""
    return config.n_layers * (4 * config.d_model**2 + 3 * config.d_model * config.d_ff)


def layer_flops(config: TrmConfig, seq_len: int) -> int:
    """Operations of one layer forwards, per token of a sequence of `seq_len`."""
    d = config.d_model
    return 2 * (4 * d * d + 3 * d * config.d_ff + 2 * seq_len * d)


def cache_bytes_per_token(config: TrmConfig, *, bytes_per_number: int = 4) -> dict[str, int]:
    """Size of the keys and values of one token, for each kind of cache."""
    last = 2 * config.d_model * config.calls_per_round * config.n_layers * bytes_per_number
    return {"exact": last * config.n_supervision * config.t_recursion, "last": last}
