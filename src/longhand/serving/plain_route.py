"""A route whose ordinary requests are read at once.

FastAPI reads every body with the care that the strangest one needs, which takes longer than a small model takes to
answer. Here a body that is JSON and fits is read by its pydantic model alone; whatever else comes is left to FastAPI,
which says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

_CONTENT_TYPE = (b"content-type", b"application/json")


def plain_route(body: type[BaseModel], before: Callable[[Request], Awaitable[None]]) -> type[APIRoute]:
    """A class of POST routes for functions of a request and a `body` that return a response.

    `before` is the one dependency that such a route has; it is awaited when the body has been read, and may raise.
    """

    class PlainRoute(APIRoute):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            """Answer a request, or have FastAPI answer it."""
            if scope["method"] == "POST" and _CONTENT_TYPE in scope["headers"]:
                request = Request(scope, receive, send)
                written = await request.body()
                try:
                    content = body.__pydantic_validator__.validate_json(written)
                except ValidationError:
                    receive = _from_the_start(written, receive)
                else:
                    await before(request)
                    response = await self.endpoint(request, content)
                    await response(scope, receive, send)
                    return
            await super().handle(scope, receive, send)

    return PlainRoute


def _from_the_start(body: bytes, receive: Receive) -> Receive:
    """What `receive` gave first, given again."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again
