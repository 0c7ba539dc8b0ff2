"""What a run trains and what it costs, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longhand.olympiad.run import AnyTrainer


def describe_trainer(trainer: AnyTrainer) -> list[str]:
    """How much is trained of how much, in how many steps; of a recursion its true number of passes and its cost."""
    from longhand.models.trm_count import count_trm
    from longhand.olympiad.training.baseline_trainer import BaselineTrainer

    if isinstance(trainer, BaselineTrainer):
        trained = sum(parameter.numel() for parameter in trainer.baseline.trained.parameters())
        rest = trainer.baseline.backbone.n_parameters - trained
        lines = [f"{trainer.baseline.config.method}: {trained:,} weights are trained, {rest:,} stay as they are"]
    else:
        backbone, config = trainer.backbone, trainer.trm
        count = count_trm(config, backbone.vocab_size, backbone.max_seq_len)
        plain = backbone.flops_per_token(backbone.max_seq_len) + 2 * backbone.d_model * backbone.vocab_size
        trained = sum(parameter.numel() for parameter in trainer.head.parameters())
        times = (plain + count.forward_flops) / plain
        lines = [
            f"trm: {trained:,} weights are trained on a frozen model of {backbone.n_parameters:,}",
            f"an answer passes {config.n_layers} layer(s) {count.block_calls:,} times, {count.graded_calls:,} of them"
            f" with gradients in training; a token costs {times:.1f} times what it costs the backbone alone",
        ]
    steps = f"{trainer.total_steps:,} optimizer steps, {trainer.batches.steps_per_epoch:,} batches an epoch"
    return [*lines, steps]
