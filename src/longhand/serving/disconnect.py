"""Work whose client has gone is not finished."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")

PATIENCE = 0.05
"""Seconds after which somebody looks whether the client is still there: most answers are ready long before."""


async def cancelled_with_client(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; cancels it and raises `ClientDisconnect` when the client closes the connection first."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    watch: list[asyncio.Task[None]] = []
    gone = False

    async def look() -> None:
        nonlocal gone
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    timer = loop.call_later(PATIENCE, lambda: watch.append(loop.create_task(look())))
    try:
        return await work
    except asyncio.CancelledError:
        if gone:
            task.uncancel()
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()
        for each in watch:
            each.cancel()
