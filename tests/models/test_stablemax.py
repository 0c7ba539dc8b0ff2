from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from longhand.models.stablemax import log_stablemax
from longhand.models.token_loss import IGNORED, labelled_loss

LOGITS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9)


@given(LOGITS)
def test_it_is_the_share_of_a_line_above_and_a_hyperbola_below_0(values: list[float]) -> None:
    x = torch.tensor([values], dtype=torch.float64)
    scores = torch.where(x < 0, 1 / (1 - x.clamp(max=0)), x + 1)
    torch.testing.assert_close(log_stablemax(x).exp(), scores / scores.sum(), rtol=1e-9, atol=1e-12)


@given(LOGITS)
def test_gradients_stay_finite(values: list[float]) -> None:
    x = torch.tensor([values], requires_grad=True)
    assert log_stablemax(x).dtype is torch.float64
    log_stablemax(x)[:, 0].sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("loss", ["softmax", "stablemax"])
@pytest.mark.parametrize("at_once", [10**9, 14, 1])
def test_in_pieces_or_at_once_and_at_labelled_places_alone_the_loss_is_the_same(loss: str, at_once: int) -> None:
    torch.manual_seed(0)
    hidden, head = torch.randn(2, 5, 4), torch.nn.Linear(4, 7)
    labels = torch.tensor([[IGNORED, 3, 6, IGNORED, 0], [1, IGNORED, IGNORED, 2, 5]])
    widths: list[int] = []
    head.register_forward_hook(lambda _, given, __: widths.append(len(given[0])))
    hidden.requires_grad_(True)
    total = labelled_loss(hidden, labels, head, 7, loss, at_once)  # type: ignore[arg-type]
    total.backward()
    assert max(widths) == min(6, max(1, at_once // 7)), "no more logits are held than were asked for"
    got, weight = hidden.grad, head.weight.grad
    hidden.grad = head.weight.grad = None
    logits = torch.nn.functional.linear(hidden, head.weight, head.bias)
    log = logits.log_softmax(-1) if loss == "softmax" else log_stablemax(logits)
    expected = -sum(
        log[i, j, label] for i, row in enumerate(labels.tolist()) for j, label in enumerate(row) if label >= 0
    )
    assert isinstance(expected, torch.Tensor)
    torch.testing.assert_close(total.double(), expected.double())
    expected.backward()
    torch.testing.assert_close(got, hidden.grad)
    torch.testing.assert_close(weight, head.weight.grad)
    assert got is not None
    assert not got[labels == IGNORED].any()


def test_over_no_labels_it_is_0_with_gradients_of_0() -> None:
    hidden = torch.randn(2, 3, 4, requires_grad=True)
    labelled_loss(hidden, torch.full((2, 3), IGNORED), torch.nn.Linear(4, 7), 7, "softmax").backward()
    assert hidden.grad is not None
    assert not hidden.grad.any()
