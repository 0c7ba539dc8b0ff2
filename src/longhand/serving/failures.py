"""From what goes wrong to a response: FastAPI's bodies as system 002 has them, OpenAI's below /v1."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from math import ceil, isfinite
from typing import Any

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from longhand.errors import UserError
from longhand.serving.accepted import UnaskableError
from longhand.serving.batcher import DeadlineError, QueueFullError
from longhand.serving.schema import Detail, OpenAIError
from longhand.serving.service import NoModelError

CLOSED_BY_CLIENT = 499
"""What the log says of a request whose client has gone; nobody is sent it."""

_TYPES = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


def refuse(request: Request, status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """A response that says why not."""
    body: dict[str, Any] = {"detail": message}
    if status == 422:  # as FastAPI writes it, for those who read its fields
        body = {"detail": [{"type": "value_error", "loc": ["body"], "msg": message, "input": None}]}
    if request.url.path.startswith("/v1/"):
        kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
        body = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    return JSONResponse(body, status, headers)


def add_failures(app: FastAPI) -> None:
    """Teach an application how to answer each kind of failure."""

    @app.exception_handler(UnaskableError)
    async def unaskable(request: Request, error: UnaskableError) -> Response:
        problem = {
            "type": "string_pattern_mismatch",
            "loc": ["body", "equation"],
            "msg": error.reason,
            "input": error.equation,
            "ctx": {"pattern": error.pattern},
        }
        return _Invalid([problem])

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        if not request.url.path.startswith("/v1/"):
            return _Invalid(error.errors())
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return refuse(request, 422, f"{where}: {first['msg']}" if where else first["msg"])

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        # FastAPI says 400 of a body that is no text at all, and 422 of one that is no JSON: both are 422 here.
        status = 422 if error.status_code == 400 else error.status_code
        return refuse(request, status, error.detail, dict(error.headers or {}))

    @app.exception_handler(UserError)
    async def mistaken(request: Request, error: UserError) -> Response:
        return refuse(request, 422, str(error))

    @app.exception_handler(NoModelError)
    async def unloaded(request: Request, error: NoModelError) -> Response:
        return refuse(request, 503, "Model not loaded")

    @app.exception_handler(QueueFullError)
    async def full(request: Request, error: QueueFullError) -> Response:
        return refuse(request, 503, "Too many requests are waiting", {"Retry-After": str(ceil(error.retry_after))})

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=CLOSED_BY_CLIENT)

    @app.exception_handler(DeadlineError)
    async def late(request: Request, error: DeadlineError) -> Response:
        return refuse(request, 504, "The answer took longer than a request may")


class _Invalid(JSONResponse):
    """What is wrong with a request, which is quoted whatever it is: bytes that are no text, numbers that JSON lacks."""

    def __init__(self, errors: Sequence[Any]) -> None:
        super().__init__({"detail": jsonable_encoder(errors, custom_encoder=_QUOTED)}, 422)

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()  # in ASCII: half a surrogate pair has no UTF-8


_QUOTED: dict[Any, Callable[[Any], Any]] = {
    bytes: lambda given: given.decode(errors="replace"),
    float: lambda given: given if isfinite(given) else str(given),
}
_RETRY = {"Retry-After": {"description": "When to come again (seconds)", "schema": {"type": "integer"}}}


def documented(*, openai: bool = False) -> dict[int | str, dict[str, Any]]:
    """The failures of a route that asks the model, for the OpenAPI document."""
    body = OpenAIError if openai else Detail
    found: dict[int | str, dict[str, Any]] = {
        401: {"model": body, "description": "No valid bearer key"},
        413: {"model": Detail, "description": "The body is too large"},
        429: {"model": body, "description": "Too many requests of this key", "headers": _RETRY},
        503: {"model": body, "description": "No model is loaded, or too many requests wait", "headers": _RETRY},
        504: {"model": body, "description": "The deadline is over"},
    }
    if openai:
        found[422] = {"model": body, "description": "A request that is not understood"}
        found[404] = {"model": body, "description": "Another model than the one served"}
    return found
