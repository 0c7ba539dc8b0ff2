from __future__ import annotations

import threading

import pytest

from longhand.training.prefetch import prefetched


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (3, 3), (0, 1), (2, 9)])
def test_every_item_comes_once_and_in_order(start: int, stop: int) -> None:
    assert list(prefetched(lambda step: step * step, start, stop)) == [step * step for step in range(start, stop)]


def test_the_next_item_is_made_while_this_one_is_in_use() -> None:
    made = threading.Event()
    for item in prefetched(lambda step: made.set() if step == 1 else step, 0, 2):
        if item == 0:
            assert made.wait(timeout=10)


def test_an_error_is_raised_where_its_item_would_have_come() -> None:
    items = prefetched(lambda step: 1 // (2 - step), 0, 4)
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(items)


def test_no_thread_outlives_a_loop_that_is_left_early() -> None:
    before = threading.active_count()
    items = prefetched(lambda step: step, 0, 100)
    next(items)
    items.close()
    assert threading.active_count() == before
