from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.decoding import decode_batch, pad_left, plan_batches

MakeSolver = Callable[..., AutoregressiveSolver]


@given(
    st.lists(st.integers(1, 12), max_size=40),
    st.one_of(st.none(), st.integers(1, 9)),
    st.integers(1, 7),
)
def test_every_row_is_in_one_batch_and_may_write_what_it_may_write_alone(
    lengths: list[int], max_new_tokens: int | None, batch_size: int
) -> None:
    context = 12
    batches = list(plan_batches(lengths, max_new_tokens, context, batch_size))
    assert sorted(row for batch in batches for row in batch.rows) == list(range(len(lengths)))
    for batch in batches:
        assert 1 <= len(batch.rows) <= batch_size
        assert max(lengths[row] for row in batch.rows) + batch.limit - 1 <= context
        for row in batch.rows:
            (alone,) = plan_batches([lengths[row]], max_new_tokens, context, 1)
            assert alone.limit == batch.limit


def test_rows_of_one_length_need_no_mask() -> None:
    ids, mask = pad_left([[1, 2], [3, 4]], 0, torch.device("cpu"))
    assert ids.tolist() == [[1, 2], [3, 4]]
    assert mask is None


def test_padding_stands_on_the_left_and_is_masked_by_place_not_by_id() -> None:
    ids, mask = pad_left([[0, 2], [3, 0, 5]], 0, torch.device("cpu"))
    assert ids.tolist() == [[0, 0, 2], [3, 0, 5]]
    assert mask is not None
    assert mask.tolist() == [[False, True, True], [True, True, True]]


def test_rows_that_are_done_leave_the_batch(make_solver: MakeSolver) -> None:
    model = make_solver().model
    ends = {0: 1, 1: 3, 2: 2}  # the step at which each row writes the end mark

    sizes = []

    def pick(logits: Tensor, rows: Tensor) -> Tensor:
        sizes.append(logits.size(0))
        step = len(sizes)
        return torch.tensor([9 if ends[row] == step else 4 for row in rows.tolist()])

    written = decode_batch(model, [[1, 2, 3], [4, 5], [6]], pick, limit=10, eos_id=9, pad_id=0)
    assert sizes == [3, 2, 1]
    assert [w.token_ids for w in written] == [(9,), (4, 4, 9), (4, 9)]
    assert all(w.stopped and len(w.logprobs) == len(w.token_ids) for w in written)
    assert written[0].seconds < written[2].seconds < written[1].seconds


def test_the_limit_ends_a_row_that_does_not_end_itself(make_solver: MakeSolver) -> None:
    model = make_solver().model
    (written,) = decode_batch(model, [[1]], lambda logits, rows: torch.tensor([5]), limit=4, eos_id=9, pad_id=0)
    assert written.token_ids == (5, 5, 5, 5)
    assert not written.stopped


@pytest.mark.parametrize("length", [1, 5])
def test_a_row_may_fill_the_context_and_one_more(make_solver: MakeSolver, length: int) -> None:
    model = make_solver(max_seq_len=5).model
    (batch,) = plan_batches([length], None, 5, 8)
    (written,) = decode_batch(
        model, [[3] * length], lambda logits, rows: torch.tensor([4]), limit=batch.limit, eos_id=9, pad_id=0
    )
    assert len(written.token_ids) == 5 - length + 1
