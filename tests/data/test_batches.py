from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.data.batches import Batch, make_batch
from longhand.data.config import Loss, Padding
from longhand.data.tokens import TokenArrays, stack_tokens

PAD = 9


@st.composite
def token_rows(draw: st.DrawFn) -> list[tuple[list[int], int, int]]:
    rows = []
    for _ in range(draw(st.integers(1, 6))):
        prompt, steps, answer = draw(st.integers(1, 5)), draw(st.integers(0, 4)), draw(st.integers(1, 4))
        # Ids equal to the pad id are allowed on purpose: some vocabularies pad with their end mark.
        ids = draw(st.lists(st.integers(0, PAD), min_size=prompt + steps + answer, max_size=prompt + steps + answer))
        rows.append((ids, prompt, prompt + steps))
    return rows


def first_target(loss: Loss, prompt: int, answer: int) -> int:
    return {"full": 1, "completion": prompt, "answer": answer}[loss]


@pytest.mark.row("S0-L1", "S4-V1")
@pytest.mark.bug("S0-6b")
@given(token_rows(), st.sampled_from(["full", "completion", "answer"]), st.sampled_from(["left", "right"]))
def test_weights_pick_each_wanted_token_after_the_one_before_it(
    rows: list[tuple[list[int], int, int]], loss: Loss, padding: Padding
) -> None:
    batch = make_batch(stack_tokens(rows, 10, PAD), loss, padding)
    width = max(len(ids) for ids, _, _ in rows) - 1
    assert batch.input_ids.shape == batch.targets.shape == (len(rows), width)
    for row, (ids, prompt, answer) in enumerate(rows):
        counted = batch.weights[row] == 1
        start = first_target(loss, prompt, answer)
        assert batch.targets[row][counted].tolist() == ids[start:]
        assert batch.input_ids[row][counted].tolist() == ids[start - 1 : -1]
        read = batch.input_ids[row][batch.attention_mask[row]].tolist()
        assert read in (ids, ids[:-1])
        side = batch.attention_mask[row]
        assert side.tolist() == sorted(side.tolist(), reverse=padding == "right")


@given(token_rows(), st.sampled_from(["full", "completion", "answer"]), st.sampled_from(["left", "right"]))
def test_n_keep_is_the_least_number_of_columns_that_hold_every_weight(
    rows: list[tuple[list[int], int, int]], loss: Loss, padding: Padding
) -> None:
    batch = make_batch(stack_tokens(rows, 10, PAD), loss, padding)
    columns = np.flatnonzero(batch.weights.any(axis=0))
    assert batch.n_keep == batch.weights.shape[1] - columns[0]


def predictions(batch: Batch) -> list[tuple[tuple[int, ...], int]]:
    """What is read before each target that counts, and the target."""
    found = []
    for ids, targets, weights, real in zip(
        batch.input_ids, batch.targets, batch.weights, batch.attention_mask, strict=True
    ):
        for column in np.flatnonzero(weights):
            read = ids[: column + 1][real[: column + 1]]
            found.append((tuple(read.tolist()), int(targets[column])))
    return found


@given(token_rows(), st.sampled_from(["full", "completion", "answer"]), st.sampled_from(["left", "right"]))
def test_parts_by_length_ask_for_the_same_predictions_with_little_padding(
    rows: list[tuple[list[int], int, int]], loss: Loss, padding: Padding
) -> None:
    batch = make_batch(stack_tokens(rows, 10, PAD), loss, padding)
    parts = list(batch.parts_by_length())
    assert sorted(p for part in parts for p in predictions(part)) == sorted(predictions(batch))
    for part in parts:
        lengths = part.attention_mask.sum(axis=1)
        assert lengths.max() <= 1.5 * lengths.min()
        assert part.input_ids.shape[1] == lengths.max()
        assert part.n_keep == part.weights.shape[1] - np.flatnonzero(part.weights.any(axis=0))[0]
    assert len(parts) > 1 or parts[0] is batch


@pytest.mark.parametrize("padding", ["left", "right"])
def test_a_slice_keeps_width_and_n_keep(padding: Padding) -> None:
    rows = [([1, 2, 3, 4, 5], 2, 2), ([1, 2], 1, 1), ([1, 2, 3], 2, 2)]
    batch = make_batch(stack_tokens(rows, 10, PAD), "completion", padding)
    part = batch.rows(1, 3)
    assert len(part) == 2
    assert part.n_keep == batch.n_keep
    assert np.array_equal(part.input_ids, batch.input_ids[1:3])
    assert np.array_equal(part.weights, batch.weights[1:3])


def test_a_batch_has_the_types_that_training_reads() -> None:
    batch = make_batch(stack_tokens([([1, 2, 3], 1, 1)], 10, PAD))
    kinds = [array.dtype for array in (batch.input_ids, batch.targets, batch.weights, batch.attention_mask)]
    assert kinds == [np.int64, np.int64, np.float32, np.bool_]
    assert all(a.flags.c_contiguous for a in (batch.input_ids, batch.targets, batch.weights, batch.attention_mask))


def test_a_batch_is_no_wider_than_its_longest_row() -> None:
    table = stack_tokens([([1, 2, 3], 1, 1), ([1, 2, 3, 4, 5, 6], 1, 1)], 10, PAD)
    assert make_batch(table.take(np.array([0]))).input_ids.shape == (1, 2)


def test_taking_rows_keeps_their_order() -> None:
    table: TokenArrays = stack_tokens([([1], 0, 0), ([2, 3], 1, 1), ([4, 5, 6], 2, 2)], 10, PAD)
    taken = table.take(np.array([2, 0]))
    assert [taken.row(0), taken.row(1)] == [[4, 5, 6], [1]]
    assert taken.longest == 3
