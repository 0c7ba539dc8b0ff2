"""What happens to every request, whatever its route: an id, a size limit, a measurement, a line in the log."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from itertools import count
from secrets import token_hex
from time import perf_counter, time
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from longhand.serving.measurements import Measurements

_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
UNROUTED = "other"
"""What requests are counted under that no route is for: their paths are anybody's."""


class RequestLog:
    """Wraps an application; `scope["state"]["facts"]` is a dictionary in which routes leave what the log should say.

    The id of a request is the `X-Request-ID` that came with it, if that is a plain word, and is sent back.
    """

    def __init__(self, app: ASGIApp, *, measurements: Measurements, max_body: int, log: bool) -> None:
        self.app, self.measurements, self.max_body, self.log = app, measurements, max_body, log
        # Drawn once: random bytes take their time, and an id only has to be another one each time.
        self._begin, self._count = token_hex(6).encode(), count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and write down what became of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if given and _ID.fullmatch(given) else b"%b-%x" % (self._begin, next(self._count))
        facts: MutableMapping[str, Any] = {}
        scope.setdefault("state", {})["facts"] = facts
        status = 500

        async def reply(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        try:
            if int(headers.get(b"content-length", b"0") or 0) > self.max_body:
                await _refuse(reply, self.max_body)
            elif b"transfer-encoding" in headers:
                await self._limited(scope, receive, reply)
            else:
                await self.app(scope, receive, reply)
        finally:
            seconds = perf_counter() - started
            route = getattr(scope.get("route"), "path", UNROUTED)
            self.measurements.count_request(route, status, seconds)
            if self.log:
                self._write(request_id, scope, route, status, seconds, facts)

    async def _limited(self, scope: Scope, receive: Receive, reply: Send) -> None:
        """A body whose length was not said is counted while it comes."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.max_body:
                raise HTTPException(413, too_large(self.max_body))
            return message

        await self.app(scope, counted, reply)

    def _write(
        self, request_id: bytes, scope: Scope, route: str, status: int, seconds: float, facts: MutableMapping[str, Any]
    ) -> None:
        line = {
            "time": round(time(), 3),
            "id": request_id.decode(),
            "method": scope["method"],
            "route": route,
            "status": status,
            "latency_ms": round(seconds * 1000, 3),
            **facts,
        }
        with suppress(OSError):  # nobody reads the log any more: no reason to fail
            sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")


def too_large(max_body: int) -> str:
    """Why a body is not read."""
    return f"The body is larger than {max_body} bytes"


async def _refuse(send: Send, max_body: int) -> None:
    body = json.dumps({"detail": too_large(max_body)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
