"""What the configuration of a run says to Lightning's Trainer."""

from __future__ import annotations

from typing import Any

import torch

from longhand.integrations.extras import extra
from longhand.integrations.lightning_data import LitData
from longhand.training.config import Metric
from longhand.training.engine import uses_bf16

with extra("lightning"):
    from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint


def trainer_arguments(data: LitData) -> dict[str, Any]:
    """Arguments of `lightning.Trainer`: length, clipping, precision, evaluations, which checkpoints are kept.

    The newest checkpoint is kept beside the best ones. Where it computes and what else it calls is left to the caller.
    """
    training = data.config.training
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return {
        "max_steps": data.plan.total_steps,
        "max_epochs": -1,
        "accumulate_grad_batches": training.accumulate_grad_batches,
        "gradient_clip_val": training.grad_clip,
        "precision": "bf16-mixed" if uses_bf16(training, device) else "32-true",
        "val_check_interval": data.plan.eval_interval * training.accumulate_grad_batches,
        "check_val_every_n_epoch": None,
        "log_every_n_steps": training.log_interval,
        "num_sanity_val_steps": 0,
        "callbacks": _callbacks(data),
    }


def _callbacks(data: LitData) -> list[Callback]:
    training = data.config.training
    if not data.n_held_out:
        return [ModelCheckpoint(save_top_k=0, save_last=True)]
    metric, early = training.save_metric, training.early_stopping
    callbacks = [ModelCheckpoint(monitor=metric, mode=_mode(metric), save_top_k=training.save_top_k, save_last=True)]
    if early is not None:
        mode = _mode(early.metric)
        callbacks.append(EarlyStopping(early.metric, min_delta=early.min_delta, patience=early.patience, mode=mode))
    return callbacks


def _mode(metric: Metric) -> str:
    return "min" if metric == "val_loss" else "max"
