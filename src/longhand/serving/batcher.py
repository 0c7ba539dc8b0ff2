"""Work that arrives piece by piece, done in batches; knows nothing of HTTP or of models.

A piece belongs to a `Kind` of work. While a batch is being done pieces pile up, and what is there of one kind when it
is done becomes the next: an idle server answers at once, a busy one in batches as large as its load. A batch is done
by a thread of its own, so that the loop stays free for others, unless it is so quick that handing it over would take
longer.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

from longhand.errors import UserError


class Kind(Protocol):
    """A kind of work; pieces of equal kinds may be done together."""

    def __hash__(self) -> int: ...

    def run(self, items: Sequence[Any]) -> Sequence[Any]:
        """The results of `items`, in order.

        Raises `UserError` if one of them cannot be done: then each is tried alone.
        """
        ...

    def is_quick(self, items: Sequence[Any]) -> bool:
        """Whether these take so little time that they may be done in the loop."""
        ...


class QueueFullError(Exception):
    """More pieces are waiting than are allowed to; `retry_after` is when to come again (seconds)."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many requests are waiting")
        self.retry_after = retry_after


class DeadlineError(Exception):
    """The time allowed for a piece is over."""


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a piece, how many were in its batch, and how long it waited and was worked on (seconds)."""

    value: Any
    batch_size: int
    waited: float
    worked: float


@dataclass(slots=True, eq=False)
class _Piece:
    kind: Kind
    item: Any
    arrived: float
    due: float  # by the clock of the loop
    future: asyncio.Future[Done] = field(repr=False)


class Batcher:
    """Does pieces of work in batches of at most `max_batch`, of which `max_queue` may wait.

    With `max_wait` above 0 (seconds) a batch that is not full waits for more so long. `observe` is told of every batch:
    its size, and the seconds it took.
    """

    def __init__(
        self,
        *,
        max_batch: int = 256,
        max_wait: float = 0.0,
        max_queue: int = 1024,
        observe: Callable[[int, float], None] = lambda size, seconds: None,
    ) -> None:
        self.max_batch, self.max_wait, self.max_queue = max_batch, max_wait, max_queue
        self._observe = observe
        self._waiting: deque[_Piece] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batcher")
        self._looks = False
        self._timer: asyncio.TimerHandle | None = None
        self._doing: list[_Piece] = []  # by the thread
        self._earliest = math.inf  # deadline; no piece that is left has an earlier one
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = math.inf
        self._rate = 0.0  # pieces per second, lately

    @property
    def depth(self) -> int:
        """Pieces that wait."""
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is being done."""
        return not self._doing and not self._waiting

    async def submit(self, kind: Kind, item: Any, *, timeout: float | None = None) -> Done:
        """The result of one piece of work.

        A caller that is cancelled while its piece waits takes it out of the queue. Raises `QueueFullError` at
        once, `DeadlineError` after `timeout` seconds, and what the work raises.
        """
        if len(self._waiting) >= self.max_queue:
            self._forget_abandoned()
            if len(self._waiting) >= self.max_queue:
                raise QueueFullError(self.retry_after)
        loop = asyncio.get_running_loop()
        due = math.inf if timeout is None else loop.time() + timeout
        piece = _Piece(kind, item, perf_counter(), due, loop.create_future())
        self._waiting.append(piece)
        self._earliest = min(self._earliest, due)
        if not self._looks:  # when whoever came in the same turn of the loop is here too
            self._looks = True
            loop.call_soon(self._look)
        return await piece.future

    @property
    def retry_after(self) -> float:
        """In how many seconds what waits now will have been done, at the rate of late."""
        return min(max(len(self._waiting) / self._rate, 0.05), 30.0) if self._rate else 1.0

    def close(self) -> None:
        """Take no more work; what waits is dropped, what is being done is finished."""
        if self._alarm is not None:
            self._alarm.cancel()
        for piece in self._waiting:
            piece.future.cancel()
        self._waiting.clear()
        self._thread.shutdown(wait=True)

    def _look(self) -> None:
        """Begin a batch if nothing is being done; what is not done at once has a deadline to keep."""
        self._looks = False
        self._begin_if_it_is_time()
        if self._waiting or self._doing:
            self._set_alarm()

    def _begin_if_it_is_time(self) -> None:
        """Begin a batch if it is full or has waited enough."""
        if self._doing or not self._waiting:
            return
        if self.max_wait > 0 and len(self._waiting) < self.max_batch:
            left = self._waiting[0].arrived + self.max_wait - perf_counter()
            if left > 0:
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(left, self._waited)
                return
        self._begin()

    def _waited(self) -> None:
        self._timer = None
        self._look()

    def _begin(self) -> None:
        batch = self._take()
        if not batch:
            return
        kind, items = batch[0].kind, [piece.item for piece in batch]
        started = perf_counter()
        if kind.is_quick(items):
            try:
                self._end(batch, started, _work(kind, items), None)
            except Exception as error:
                self._end(batch, started, [], error)
            return
        self._doing = batch
        work = asyncio.get_running_loop().run_in_executor(self._thread, _work, kind, items)
        work.add_done_callback(lambda work: self._thread_done(batch, started, work))

    def _thread_done(self, batch: list[_Piece], started: float, work: asyncio.Future[list[Any]]) -> None:
        self._doing = []
        error = asyncio.CancelledError() if work.cancelled() else work.exception()
        self._end(batch, started, [] if error else work.result(), error)

    def _take(self) -> list[_Piece]:
        """The pieces of the next batch: those of the kind that has waited longest, in order of arrival."""
        self._forget_abandoned_in_front()
        if not self._waiting:
            return []
        kind = self._waiting[0].kind
        batch: list[_Piece] = []
        others: deque[_Piece] = deque()
        while self._waiting and len(batch) < self.max_batch:
            piece = self._waiting.popleft()
            if piece.future.done():
                continue
            (batch if piece.kind == kind else others).append(piece)
        others.extend(self._waiting)
        self._waiting = others
        return batch

    def _end(self, batch: list[_Piece], started: float, values: list[Any], error: BaseException | None) -> None:
        seconds = perf_counter() - started
        for piece, value in zip(batch, values or [error] * len(batch), strict=True):
            if piece.future.done():
                continue
            if isinstance(value, BaseException):
                piece.future.set_exception(value)
            else:
                piece.future.set_result(Done(value, len(batch), started - piece.arrived, seconds))
        if error is None:
            rate = len(batch) / max(seconds, 1e-9)
            self._rate = rate if not self._rate else 0.9 * self._rate + 0.1 * rate
            self._observe(len(batch), seconds)
        if self._waiting and not self._looks:
            self._looks = True
            asyncio.get_running_loop().call_soon(self._look)

    def _set_alarm(self) -> None:
        """Have the earliest deadline looked after: one timer for all pieces, as most of them never need it."""
        if self._earliest < self._alarm_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm_at = self._earliest
            self._alarm = asyncio.get_running_loop().call_at(self._alarm_at, self._expire)

    def _expire(self) -> None:
        self._alarm, self._alarm_at, self._earliest = None, math.inf, math.inf
        now = asyncio.get_running_loop().time()
        for piece in (*self._waiting, *self._doing):
            if piece.future.done():
                continue
            if piece.due <= now:
                piece.future.set_exception(DeadlineError())
            else:
                self._earliest = min(self._earliest, piece.due)
        self._set_alarm()

    def _forget_abandoned_in_front(self) -> None:
        while self._waiting and self._waiting[0].future.done():
            self._waiting.popleft()

    def _forget_abandoned(self) -> None:
        self._waiting = deque(piece for piece in self._waiting if not piece.future.done())


def _work(kind: Kind, items: list[Any]) -> list[Any]:
    """The results; a piece that cannot be done has its error for a result, and spoils no other."""
    try:
        return list(kind.run(items))
    except UserError as error:
        if len(items) == 1:
            return [error]
    return [_work(kind, [item])[0] for item in items]
