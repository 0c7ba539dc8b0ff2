"""Batches of mixed lengths: no padding is computed, and none is learned from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.numpy_gpt.tiny_models import VOCAB, random_model, tiny_config

from longhand.data.batches import Batch, make_batch
from longhand.data.config import Loss, Padding
from longhand.data.tokens import TokenArrays, stack_tokens
from longhand.numpy_gpt.loss import add_gradients, cross_entropy, equally_long


@st.composite
def rows(draw: st.DrawFn) -> TokenArrays:
    """Rows of 2 to 9 tokens with a prompt and an answer."""
    made = []
    for _ in range(draw(st.integers(1, 6))):
        length = draw(st.integers(2, 9))
        prompt = draw(st.integers(1, length - 1))
        ids = draw(st.lists(st.integers(0, VOCAB - 1), min_size=length, max_size=length))
        made.append((ids, prompt, draw(st.integers(prompt, length - 1))))
    return stack_tokens(made, VOCAB, 0)


@pytest.mark.row("S1-D1", "S1-N2", "S1-L1")
@settings(max_examples=25, deadline=None)
@given(rows(), st.sampled_from(["left", "right"]), st.sampled_from(["answer", "completion", "full"]))
def test_a_padded_batch_has_the_gradient_of_its_rows_alone(tokens: TokenArrays, padding: Padding, loss: Loss) -> None:
    model = random_model(tiny_config())
    together = add_gradients(model, make_batch(tokens, loss, padding), 0.5)
    gradient = model.parameters.gradient.copy()
    model.parameters.gradient[...] = 0
    alone = 0.0
    for row in range(len(tokens)):
        batch = make_batch(tokens.take(np.array([row])), loss)
        logits, tape = model.forward(batch.input_ids)
        value, d_logits = cross_entropy(logits, batch.targets, batch.weights.astype(np.float64))
        model.backward(0.5 * d_logits, tape)
        alone += value
    assert together == pytest.approx(alone)
    np.testing.assert_allclose(gradient, model.parameters.gradient, atol=1e-12)


@settings(max_examples=25)
@given(rows(), st.sampled_from(["left", "right"]))
def test_buckets_hold_every_row_once_and_no_padding(tokens: TokenArrays, padding: Padding) -> None:
    batch = make_batch(tokens, "completion", padding)
    found = [row.tolist() for bucket in equally_long(batch) for row in bucket.input_ids]
    assert sorted(found) == sorted(tokens.row(index)[:-1] for index in range(len(tokens)))
    for bucket in equally_long(batch):
        assert bucket.attention_mask.all()
        assert not bucket.weights[:, : bucket.input_ids.shape[1] - bucket.n_keep].any()


def test_rows_in_which_nothing_counts_are_not_computed() -> None:
    ids = np.ones((2, 3), dtype=np.int64)
    weights = np.array([[0, 0, 0], [0, 1, 1]], dtype=np.float32)
    batch = Batch(ids, ids, weights, np.ones((2, 3), dtype=np.bool_), 2)
    assert [len(bucket) for bucket in equally_long(batch)] == [1]
