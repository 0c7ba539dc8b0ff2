"""AdamW with weight decay on matrices only."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW

from longhand.training.config import TrainingConfig


def build_optimizer(model: nn.Module, config: TrainingConfig) -> AdamW:
    """AdamW (arXiv:1711.05101) in one fused kernel over all parameters that train.

    Matrices and embeddings decay, biases and norm gains do not. The learning rate is set before every step.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    fused = all(p.device.type in ("cpu", "cuda") for p in parameters)
    return AdamW(
        [group for group in groups if group["params"]],
        lr=config.learning_rate,
        betas=config.betas,
        eps=config.eps,
        fused=fused,
    )


def set_learning_rate(optimizer: AdamW, learning_rate: float) -> None:
    """Give every group this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
