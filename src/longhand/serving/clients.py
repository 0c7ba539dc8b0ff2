"""Work whose client has gone is not finished."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")

PATIENCE = 0.05
"""Seconds between two looks at the connections: most answers are ready before the first."""


class Clients:
    """Those who wait for an answer. One timer looks after all of them, and only at those it has seen before."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Task[Any], Request] = {}
        self._seen: set[asyncio.Task[Any]] = set()
        self._watched: dict[asyncio.Task[Any], asyncio.Task[None]] = {}
        self._gone: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def unless_gone(self, request: Request, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; cancels it and raises `ClientDisconnect` when the client leaves before it is done."""
        task = asyncio.current_task()
        assert task is not None
        self._waiting[task] = request
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._look)
        try:
            return await work
        except asyncio.CancelledError:
            if task in self._gone:
                task.uncancel()
                raise ClientDisconnect from None
            raise
        finally:
            del self._waiting[task]
            if task in self._watched:
                self._watched.pop(task).cancel()
                self._gone.discard(task)

    def _look(self) -> None:
        self._timer = None
        for task in self._seen & self._waiting.keys() - self._watched.keys():
            self._watched[task] = asyncio.get_running_loop().create_task(self._watch(task, self._waiting[task]))
        self._seen = set(self._waiting)
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._look)

    async def _watch(self, task: asyncio.Task[Any], request: Request) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self._gone.add(task)
        task.cancel()
