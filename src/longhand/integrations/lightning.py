"""Any decoder of longhand, its data and its recipe, for Lightning's Trainer.

::

    config = load_run_config(config_path("llama2"), {"data.path": "data/mini"})
    module, data = LitDecoder(config), LitData(config)
    lightning.Trainer(**trainer_arguments(data)).fit(module, data)
    module.save_as_longhand("runs/llama2")

Loss, batches, schedule and judge are those of `longhand train`; the steps are torch's and Lightning's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch

from longhand.errors import UserError
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.suites import ListSuite
from longhand.integrations.extras import extra
from longhand.integrations.lightning_data import LitData
from longhand.integrations.lightning_trainer import trainer_arguments
from longhand.models.build import build_model
from longhand.registry.find import find_model
from longhand.runs.checkpoint import Checkpoint, check_shapes, load_checkpoint, save_checkpoint
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.training.objectives import DeviceBatch, next_token_losses
from longhand.training.provenance import source_commit, versions
from longhand.training.run_config import RunConfig
from longhand.training.setup import choose_vocabulary

with extra("lightning"):
    import lightning

__all__ = ["LitData", "LitDecoder", "trainer_arguments"]

LOGGED = ("val_loss", "val_exact_match")
"""What a validation measures, and so what can choose checkpoints and stop a training."""


class LitDecoder(lightning.LightningModule):  # type: ignore[misc]
    """A decoder with its loss, optimizer and schedule; `config` is a run's configuration, or the same as plain data.

    It logs `train_loss` (nats per token that counts), `balance_loss` of experts, `val_loss`, and `val_exact_match`: the
    share of held-out problems whose greedy answer our judge finds correct. Where it computes is the Trainer's choice;
    `config.runtime` is not looked at. Raises `UserError` for what Lightning's loop does not do here: optimizers other
    than AdamW, and averages of the weights.
    """

    def __init__(self, config: RunConfig | Mapping[str, Any]) -> None:
        super().__init__()
        self.config = config if isinstance(config, RunConfig) else RunConfig.from_dict(config)
        _refuse_what_does_not_act(self.config)
        self.save_hyperparameters({"config": self.config.to_dict()})
        self.vocabulary, self.format = choose_vocabulary(self.config), self.config.to_format()
        self.model = build_model(self.config.model, len(self.vocabulary), seed=self.config.training.seed)
        self._held_out_loss = torch.zeros(2)  # sum of the losses, and of their weights

    @classmethod
    def from_longhand(cls, path: str | Path) -> Self:
        """The model of a checkpoint, run directory, registry or shipped name, with the configuration of its training.

        Raises `UserError` if it does not say how it was trained.
        """
        checkpoint = load_checkpoint(find_model(path))
        if "config" not in checkpoint.training:
            raise UserError(f"{path} does not say how it was trained; build LitDecoder from a configuration instead")
        module = cls(checkpoint.training["config"])
        check_shapes(checkpoint.weights, {name: tuple(t.shape) for name, t in module.model.state_dict().items()})
        module.model.load_state_dict({name: torch.from_numpy(array) for name, array in checkpoint.weights.items()})
        return module

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """Logits [batch, time, vocab] of token ids [batch, time]."""
        logits: torch.Tensor = self.model(input_ids, attention_mask)
        return logits

    def training_step(self, batch: DeviceBatch, batch_idx: int) -> torch.Tensor:
        """The mean loss of the tokens that count, with that of the balance of experts, if there are any."""
        loss_sum, _ = next_token_losses(self.model, batch)
        loss = loss_sum / batch.weights.sum()
        self.log("train_loss", loss, prog_bar=True, batch_size=len(batch.input_ids))
        balance = self.model.auxiliary_loss()
        if balance is None:
            return loss
        self.log("balance_loss", balance, batch_size=len(batch.input_ids))
        return loss + (self.config.model.aux_loss_weight or 0.0) * balance

    def on_validation_epoch_start(self) -> None:
        """Begin the sums anew."""
        self._held_out_loss = torch.zeros(2, device=self.device)

    def validation_step(self, batch: DeviceBatch, batch_idx: int) -> None:
        """Add up the loss of held-out rows."""
        loss_sum, _ = next_token_losses(self.model, batch)
        self._held_out_loss += torch.stack([loss_sum, batch.weights.sum()])

    def on_validation_epoch_end(self) -> None:
        """Ask the held-out problems, and log what came out."""
        loss_sum, weight = self._held_out_loss.tolist()
        self.log("val_loss", loss_sum / weight, prog_bar=True)
        data = self._data()
        if data.problems:
            # The plain path: others lay the weights out anew, in which Lightning's inference mode would trap them.
            solver = AutoregressiveSolver(self.model, self.vocabulary, self.format, data.stream.domain, engine="torch")
            report = evaluate(solver, ListSuite("val", data.problems))
            self.log("val_exact_match", report.correct / report.total, prog_bar=True)

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW with decay on matrices, and our learning rate of every step."""
        training, plan = self.config.training, self._data().plan
        matrices = [p for p in self.model.parameters() if p.dim() >= 2]
        vectors = [p for p in self.model.parameters() if p.dim() < 2]
        groups = [
            {"params": matrices, "weight_decay": training.weight_decay},
            {"params": vectors, "weight_decay": training.weight_decay if training.decay_vectors else 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=training.learning_rate, betas=training.betas, eps=training.eps)
        rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: plan.schedule(step) / training.learning_rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rates, "interval": "step"}}

    def save_as_longhand(self, path: str | Path) -> None:
        """Write the model as a checkpoint of longhand: `longhand.load`, `evaluate` and all others read it."""
        data, training = self._data(), self.config.training
        measured = self.trainer.callback_metrics if self._trainer is not None else {}
        checkpoint = Checkpoint(
            model=self.config.model.model_dump(mode="json"),
            weights={name: weight.cpu().numpy() for name, weight in self.model.state_dict().items()},
            vocabulary=self.vocabulary,
            format=self.format,
            domain=data.stream.domain,
            metrics={name: float(measured[name]) for name in LOGGED if name in measured},
            training={
                "steps": self.global_step,
                "examples": self.global_step * training.examples_per_step,
                "seed": training.seed,
                "data": data.description,
                "commit": source_commit(),
                "versions": {**versions(), "lightning": lightning.__version__},
                "device": str(self.device),
                "config": self.config.to_dict(),
            },
        )
        save_checkpoint(Path(path), checkpoint)

    def _data(self) -> LitData:
        attached = None if self._trainer is None else self._trainer.datamodule
        return attached if isinstance(attached, LitData) else LitData(self.config)


def _refuse_what_does_not_act(config: RunConfig) -> None:
    training = config.training
    if training.optimizer != "adamw":
        raise UserError(f"training.optimizer {training.optimizer} is not for Lightning; use adamw, or longhand train")
    if training.ema_decay is not None:
        raise UserError("training.ema_decay is not for Lightning; leave it out, or use longhand train")
    metrics = {training.save_metric, *([training.early_stopping.metric] if training.early_stopping else [])}
    for metric in sorted(metrics - set(LOGGED)):
        raise UserError(f"{metric} is not measured under Lightning; choose one of {', '.join(LOGGED)}")
