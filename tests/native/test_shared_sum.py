from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.native.library import load
from longhand.native.shared_sum import SharedSum

pytestmark = pytest.mark.skipif(load() is None, reason="no native kernels: no compiler when longhand was installed")


class Table:
    """Where threads that stand for processes tell each other things."""

    def __init__(self, world: int) -> None:
        self.values: list[Any] = [None] * world
        self.barrier = Barrier(world)

    def seat(self, rank: int) -> Callable[[Any], list[Any]]:
        def gather(value: Any) -> list[Any]:
            self.values[rank] = value
            self.barrier.wait()
            found = list(self.values)
            self.barrier.wait()
            return found

        return gather


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.integers(1, 300), st.integers(1, 20), st.integers(0, 2**31))
def test_everybody_gets_the_sum_in_the_order_of_the_processes_round_after_round(
    world: int, n: int, rounds: int, seed: int
) -> None:
    parts = np.random.default_rng(seed).normal(size=(rounds, world, n)).astype(np.float32)
    table, results = Table(world), np.empty_like(parts)

    def work(rank: int) -> None:
        shared = SharedSum(rank, n, table.seat(rank))
        for index in range(rounds):
            values = parts[index, rank].copy()
            shared.sum_(values.ctypes.data)
            results[index, rank] = values

    threads = [Thread(target=work, args=(rank,)) for rank in range(world)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for index in range(rounds):
        expected = parts[index, 0].copy()
        for rank in range(1, world):
            expected += parts[index, rank]
        for rank in range(world):
            assert (results[index, rank] == expected).all()


def test_a_process_that_is_gone_is_noticed() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    shared = SharedSum(0, 3, lambda value: [value, gone.pid if isinstance(value, int) else value])
    values = np.ones(3, dtype=np.float32)
    with pytest.raises(RuntimeError, match=f"process {gone.pid}, which trains with this one, is gone"):
        shared.sum_(values.ctypes.data)
    assert (values == 1).all()
