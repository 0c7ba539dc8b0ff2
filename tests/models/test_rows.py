from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from longhand.models.rows import RowPlan, plan_rows
from longhand.native.library import load

pytestmark = pytest.mark.skipif(load() is None, reason="no native kernels: no compiler when longhand was installed")


@st.composite
def batches(draw: st.DrawFn) -> tuple[NDArray[np.int64], NDArray[np.int32], int]:
    batch, time, vocab = draw(st.integers(1, 12)), draw(st.integers(1, 8)), draw(st.integers(1, 4))
    rows = st.lists(st.integers(0, vocab - 1), min_size=time, max_size=time)
    ids = draw(st.lists(rows, min_size=batch, max_size=batch))
    lengths = draw(st.lists(st.integers(1, time), min_size=batch, max_size=batch))
    return np.array(ids, dtype=np.int64), np.array(lengths, dtype=np.int32), vocab


def beginning(plan: RowPlan, ids: NDArray[np.int64], b: int, t: int) -> tuple[int, ...]:
    return tuple(ids[b, : t + 1].tolist())


def busy(plan: RowPlan) -> list[int]:
    """All rows but the idle ones."""
    idle = {row for part in plan.idle for row in range(part.start, part.stop)}
    return [row for row in range(plan.n_rows) if row not in idle]


@given(batches(), st.integers(0, 8))
def test_a_row_is_a_beginning_and_says_where_it_stands(
    batch: tuple[NDArray[np.int64], NDArray[np.int32], int], keep: int
) -> None:
    ids, lengths, vocab = batch
    plan = plan_rows(ids, lengths, vocab, keep)
    beginnings: dict[int, tuple[int, ...]] = {}
    for b, length in enumerate(lengths.tolist()):
        assert (plan.row_of[b, length:] == -1).all()
        for t in range(length):
            row = int(plan.row_of[b, t])
            found = beginning(plan, ids, b, t)
            assert beginnings.setdefault(row, found) == found
            assert (plan.token[row], plan.position[row]) == (ids[b, t], t)
            entry = plan.entry_of_row[row]
            assert (plan.entry_token[entry], plan.entry_position[entry]) == (ids[b, t], t)
    assert sorted(beginnings) == busy(plan)
    assert len(set(plan.entry_of_row[busy(plan)])) == len({(len(found), found[-1]) for found in beginnings.values()})
    assert (np.diff(plan.position[busy(plan)]) >= 0).all()
    for row in busy(plan):
        assert (row >= plan.first_kept) == (plan.position[row] >= keep)


@given(batches())
def test_every_row_is_computed_for_exactly_one_example_and_only_the_first_ones_are_shared(
    batch: tuple[NDArray[np.int64], NDArray[np.int32], int],
) -> None:
    ids, lengths, vocab = batch
    plan = plan_rows(ids, lengths, vocab)
    computed = [int(plan.row_of[b, t]) for b, length in enumerate(lengths.tolist()) for t in range(plan.own[b], length)]
    assert sorted(computed) == busy(plan)
    users = np.bincount(plan.row_of[plan.row_of >= 0], minlength=plan.n_rows)
    assert (users[plan.n_shared :] <= 1).all()


@given(batches(), st.integers(0, 8))
def test_numbers_of_rows_and_entries_are_round(
    batch: tuple[NDArray[np.int64], NDArray[np.int32], int], keep: int
) -> None:
    plan = plan_rows(*batch, keep)
    assert plan.n_kept % 16 == plan.n_entries % 16 == 0
    assert plan.first_kept % 16 == 0 or keep >= batch[0].shape[1]
    assert plan.n_rows - len(busy(plan)) < 32


def test_sums_with_the_same_first_operand_share_it() -> None:
    ids = np.array([[9, 5, 1, 10, b // 10, b % 10] for b in range(100)], dtype=np.int64)
    plan = plan_rows(ids, np.full(100, 6), 11)
    assert len(busy(plan)) == 4 + 10 + 100
    assert plan.own[0] == 0
    assert plan.own[1] == 5
    assert plan.own[10] == 4


def test_nothing_in_common_nothing_shared() -> None:
    plan = plan_rows(np.arange(20, dtype=np.int64).reshape(10, 2), np.full(10, 2), 20)
    assert (len(busy(plan)), plan.n_shared) == (20, 0)
