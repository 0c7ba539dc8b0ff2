from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.serving.batcher import Batcher, DeadlineError, Done, QueueFullError


@dataclass(frozen=True)
class Doubling:
    """Doubles numbers; negative ones it cannot. Notes its batches, and waits for `gate`."""

    name: str = "double"
    batches: list[list[int]] = field(default_factory=list, compare=False)
    gate: threading.Event | None = field(default=None, compare=False)

    quick: bool = field(default=False, compare=False)

    def is_quick(self, items: Sequence[int]) -> bool:
        return self.quick

    def run(self, items: Sequence[int]) -> list[int]:
        if self.gate is not None:
            assert self.gate.wait(10)
        self.batches.append(list(items))
        for item in items:
            if item < 0:
                raise UserError(f"{item} is negative")
        return [2 * item for item in items]


async def outcome(batcher: Batcher, kind: Any, item: int, **keys: Any) -> Any:
    try:
        return (await batcher.submit(kind, item, **keys)).value
    except (UserError, QueueFullError, DeadlineError) as error:
        return type(error)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(-3, 50)), max_size=60),
    st.integers(1, 9),
    st.sampled_from([0.0, 0.002]),
    st.sampled_from(["", "a", "ab"]),
)
def test_every_piece_gets_its_own_result_whatever_it_is_batched_with(
    pieces: list[tuple[str, int]], max_batch: int, max_wait: float, quick: str
) -> None:
    kinds = {name: Doubling(name, quick=name in quick) for name in "ab"}

    async def run() -> list[Any]:
        batcher = Batcher(max_batch=max_batch, max_wait=max_wait)
        found = await asyncio.gather(*(outcome(batcher, kinds[name], item) for name, item in pieces))
        assert batcher.is_idle
        batcher.close()
        return found

    assert asyncio.run(run()) == [UserError if item < 0 else 2 * item for _, item in pieces]
    assert all(len(batch) <= max_batch for kind in kinds.values() for batch in kind.batches)


def test_what_arrives_while_the_thread_is_busy_becomes_one_batch() -> None:
    async def run() -> tuple[list[Done], list[list[int]]]:
        kind = Doubling(gate=threading.Event())
        assert kind.gate is not None
        sizes: list[int] = []
        batcher = Batcher(observe=lambda size, seconds: sizes.append(size))
        tasks = [asyncio.ensure_future(batcher.submit(kind, 0))]
        await asyncio.sleep(0.01)
        tasks += [asyncio.ensure_future(batcher.submit(kind, item)) for item in range(1, 5)]
        await asyncio.sleep(0.01)
        assert batcher.depth == 4  # the first is being done
        kind.gate.set()
        done = await asyncio.gather(*tasks)
        batcher.close()
        assert sizes == [1, 4]
        return done, kind.batches

    done, batches = asyncio.run(run())
    assert batches == [[0], [1, 2, 3, 4]]
    assert [each.batch_size for each in done] == [1, 4, 4, 4, 4]
    assert all(each.waited >= 0 for each in done)


def test_what_arrives_in_the_same_turn_is_one_batch_and_quick_work_needs_no_thread() -> None:
    async def run() -> list[int]:
        kind = Doubling(quick=True)
        batcher = Batcher()
        batcher.close()  # there is no thread any more
        done = await asyncio.gather(*(batcher.submit(kind, item) for item in range(5)))
        assert kind.batches == [[0, 1, 2, 3, 4]]
        return [each.value for each in done]

    assert asyncio.run(run()) == [0, 2, 4, 6, 8]


def test_a_full_queue_refuses_at_once_and_takes_work_again_when_it_is_shorter() -> None:
    async def run() -> None:
        kind = Doubling(gate=threading.Event())
        assert kind.gate is not None
        batcher = Batcher(max_queue=2)
        tasks = [asyncio.ensure_future(batcher.submit(kind, 0))]
        await asyncio.sleep(0.01)
        tasks += [asyncio.ensure_future(batcher.submit(kind, item)) for item in (1, 2)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError) as full:
            await batcher.submit(kind, 9)
        assert 0 < full.value.retry_after <= 30
        tasks[2].cancel()  # whoever gives up makes room
        await asyncio.sleep(0)
        late = asyncio.ensure_future(batcher.submit(kind, 4))
        await asyncio.sleep(0)
        kind.gate.set()
        assert [(await task).value for task in (*tasks[:2], late)] == [0, 2, 8]
        assert kind.batches == [[0], [1, 4]]  # the one that was cancelled was never done
        batcher.close()

    asyncio.run(run())


def test_a_piece_whose_time_is_over_fails_then_and_is_not_done_any_more() -> None:
    async def run() -> None:
        kind = Doubling(gate=threading.Event())
        assert kind.gate is not None
        batcher = Batcher()
        first = asyncio.ensure_future(batcher.submit(kind, 1))
        await asyncio.sleep(0.01)
        with pytest.raises(DeadlineError):
            await batcher.submit(kind, 2, timeout=0.02)
        kind.gate.set()
        assert (await first).value == 2
        assert (await batcher.submit(kind, 3, timeout=10)).value == 6
        assert kind.batches == [[1], [3]]
        batcher.close()

    asyncio.run(run())


@pytest.mark.parametrize("quick", [False, True])
def test_an_error_that_is_no_mistake_of_a_user_reaches_everybody_in_the_batch(quick: bool) -> None:
    @dataclass(frozen=True)
    class Broken:
        quick: bool

        def is_quick(self, items: Sequence[int]) -> bool:
            return self.quick

        def run(self, items: Sequence[int]) -> list[int]:
            raise RuntimeError("a bug")

    async def run() -> None:
        batcher = Batcher()
        found = await asyncio.gather(*(batcher.submit(Broken(quick), 1) for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in found] == [RuntimeError] * 3
        assert (await batcher.submit(Doubling(), 4)).value == 8
        batcher.close()

    asyncio.run(run())
