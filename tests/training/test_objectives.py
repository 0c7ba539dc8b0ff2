from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from longhand.data.batches import Batch, Padding, make_batch
from longhand.data.tokens import stack_tokens
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.training.objectives import balance_term, next_token_losses, to_device

CPU = torch.device("cpu")
SIZES = {"d_model": 16, "n_heads": 2, "n_layers": 2, "max_seq_len": 12}


def make_model(name: str = "llama2", **keys: object) -> Decoder:
    return build_model(ModelConfig(name=name, **{**SIZES, **keys}), 9, seed=0)


def make_rows(padding: Padding = "right", loss: str = "completion") -> Batch:
    rows = [([1, 3, 4, 5, 6, 2], 3, 3), ([1, 7, 8, 2], 2, 2), ([1, 3, 5, 7, 7, 8, 4, 2], 5, 6)]
    return make_batch(stack_tokens(rows, 9, 0), loss, padding)


def loss_by_hand(model: Decoder, batch: Batch) -> float:
    """Row by row without padding, token by token."""
    total = 0.0
    for ids, targets, weights, real in zip(
        batch.input_ids, batch.targets, batch.weights, batch.attention_mask, strict=True
    ):
        logits = model(torch.from_numpy(ids[real])[None])[0].double()
        log_probs = logits - logits.logsumexp(dim=-1, keepdim=True)
        for position, (target, weight) in enumerate(zip(targets[real], weights[real], strict=True)):
            total -= weight * log_probs[position, target].item()
    return total


@pytest.mark.parametrize("padding", ["left", "right"])
@pytest.mark.parametrize("loss", ["answer", "completion", "full"])
def test_the_loss_is_the_surprise_at_the_tokens_that_count_and_nothing_else(padding: Padding, loss: str) -> None:
    model, batch = make_model(), make_rows(padding, loss)
    got, logits = next_token_losses(model, to_device(batch, CPU))
    assert got.item() == pytest.approx(loss_by_hand(model, batch), rel=1e-5)
    assert logits.shape == (3, batch.n_keep, 9)


@pytest.mark.parametrize("padding", ["left", "right"])
def test_more_kept_columns_change_no_loss(padding: Padding) -> None:
    model, batch = make_model(), make_rows(padding, "answer")
    narrow, _ = next_token_losses(model, to_device(batch, CPU))
    wide, _ = next_token_losses(model, to_device(batch, CPU, keep=batch.input_ids.shape[1]))
    torch.testing.assert_close(narrow, wide)


@pytest.mark.row("S0-L1", "S4-T2")
@pytest.mark.bug("S2-3a")
def test_operands_get_no_gradient_through_their_own_prediction() -> None:
    # With the loss on the completion, a change of what is predicted inside the prompt changes nothing.
    model, batch = make_model(), make_rows()
    changed = Batch(batch.input_ids, batch.targets.copy(), batch.weights, batch.attention_mask, batch.n_keep)
    changed.targets[batch.weights == 0] = 0
    first, _ = next_token_losses(model, to_device(batch, CPU))
    second, _ = next_token_losses(model, to_device(changed, CPU))
    assert torch.equal(first, second)


def test_the_mask_is_left_out_only_where_no_query_could_see_the_padding() -> None:
    assert to_device(make_rows("right"), CPU).attention_mask is None
    assert to_device(make_rows("right"), CPU, every_mask=True).attention_mask is not None
    assert to_device(make_rows("left"), CPU).attention_mask is not None


def test_balance_counts_like_a_loss_per_token() -> None:
    model = make_model("mixtral", aux_loss_weight=0.25)
    batch = make_rows()
    next_token_losses(model, to_device(batch, CPU, every_mask=True))
    balance = model.auxiliary_loss()
    term = balance_term(model, weight=8.0)
    assert balance is not None
    assert isinstance(term, Tensor)
    assert term.item() == pytest.approx(0.25 * 8.0 * balance.item())
    assert math.isfinite(term.item())


def test_a_model_without_experts_has_no_balance_term() -> None:
    model = make_model()
    next_token_losses(model, to_device(make_rows(), CPU))
    assert balance_term(model, weight=8.0) is None


def test_an_untrained_model_is_as_surprised_as_a_guess() -> None:
    model, batch = make_model(init_std=1e-4), make_rows()
    loss, _ = next_token_losses(model, to_device(batch, CPU))
    assert loss.item() / np.float64(batch.weights.sum()) == pytest.approx(math.log(9), rel=1e-2)
