"""One optimizer step: the only code that runs a thousand times."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from longhand.data.batches import Batch
from longhand.models.slot_attention import WindowedDecoder
from longhand.training.config import TrainingConfig
from longhand.training.distributed import Group
from longhand.training.engine import uses_bf16
from longhand.training.objectives import balance_term, next_token_losses, to_device

if TYPE_CHECKING:
    from longhand.training.state import TrainingState


def take_step(
    state: TrainingState,
    micro_batches: Sequence[Batch],
    config: TrainingConfig,
    learning_rate: float,
    group: Group,
    *,
    wants_stop: bool = False,
) -> tuple[Tensor, bool]:
    """Move the weights by the gradient of the mean loss over all tokens that count, of all batches and processes.

    Returns the norm of that gradient before clipping, and whether any process wants to stop. Sums of losses go into
    `state.sums`; nothing here waits for the device.
    """
    gradients = state.parameters.gradients
    gradients.zero_()
    scale = 1 / config.examples_per_step  # keeps the sums of gradients small until their weight is known
    if state.engine is None:
        totals = _add_gradients(state, micro_batches, config, scale, group)
    else:
        state.engine.fused.refresh()
        loss = sum(state.engine.add_gradients(rows, scale) for rows in micro_batches)
        totals = torch.tensor([loss, float(sum(rows.weights.sum() for rows in micro_batches)), 0.0, 0.0])
    totals[3] = float(wants_stop)
    totals = group.sum_gradients_(gradients, totals)
    if state.frozen is not None:
        state.frozen.forget_gradients()
    norm = average_and_clip_(gradients, 1 / (scale * totals[1]), config.grad_clip)
    with nullcontext() if state.frozen is None else state.frozen.kept():
        state.optimizer.step(learning_rate)
    if state.average is not None:
        state.average.update()
    state.sums += totals[:3]
    state.step += 1
    return norm, wants_stop if group.world == 1 else bool(totals[3] > 0)


def _add_gradients(
    state: TrainingState, micro_batches: Sequence[Batch], config: TrainingConfig, scale: float, group: Group
) -> Tensor:
    """The plain way, by autograd; returns the sums of loss, weight and balance loss, and room for a fourth number."""
    model, device = state.model, group.device
    totals = torch.zeros(4, device=device)
    parts: Iterable[Batch] = micro_batches
    pads_cost = not isinstance(
        model, WindowedDecoder
    )  # which computes windows that are alike once, those of padding too
    if device.type == "cpu" and state.losses is next_token_losses and pads_cost:  # a compiled one is for few shapes
        parts = (part for rows in micro_batches for part in rows.parts_by_length())
    for index, rows in enumerate(parts):
        batch = to_device(rows, device, every_mask=model.config.mlp == "moe")
        weight = float(rows.weights.sum())
        if model.draws_in_training:
            seed_draws(config.seed, state.step, index, group.rank)
        with torch.autocast(device.type, torch.bfloat16, enabled=uses_bf16(config, device)):
            loss, _ = state.losses(model, batch)
            balance = balance_term(model, weight)
        ((loss if balance is None else loss + balance) * scale).backward()  # type: ignore[no-untyped-call]
        totals[0] += loss.detach()
        totals[1] += weight
        if balance is not None:
            totals[2] += balance.detach()
    if state.proof is not None:
        assert isinstance(model, WindowedDecoder)
        drilled = state.proof.loss(model, state.step, float(totals[1]), group.rank, group.world)
        if drilled is not None:
            loss, n_windows = drilled
            (loss * scale).backward()  # type: ignore[no-untyped-call]
            totals[0] += loss.detach()
            totals[1] += n_windows
    return totals


def seed_draws(seed: int, step: int, batch: int, rank: int) -> None:
    """Make dropout and shifted places functions of these numbers alone: torch's generator is seeded by their hash."""
    digest = hashlib.blake2b(f"{seed}/dropout/{step}/{batch}/{rank}".encode(), digest_size=8).digest()
    torch.manual_seed(int.from_bytes(digest, "little") >> 1)


@torch.no_grad()
def average_and_clip_(gradients: Tensor, factor: Tensor, largest_norm: float | None) -> Tensor:
    """Multiply gradients [n] by `factor`, and further where their norm would exceed `largest_norm`, in one pass.

    Returns the norm before clipping.
    """
    # Per part: one long sum in float32 would lose a digit.
    norm: Tensor = torch.stack([part.norm() for part in torch.split(gradients, 8192)]).norm() * factor
    if largest_norm is not None:
        factor = factor * (largest_norm / (norm + 1e-6)).clamp(max=1.0)
    gradients.mul_(factor)
    return norm
