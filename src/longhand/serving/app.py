"""The application: every route, what wraps them, and how a server begins and ends."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import perf_counter
from types import FrameType
from typing import Any

from fastapi import Depends, FastAPI, Request
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response

from longhand.errors import UserError
from longhand.serving.completions import completions_router
from longhand.serving.failures import add_failures, documented
from longhand.serving.following import ModelSource, follow
from longhand.serving.measurements import CONTENT_TYPE
from longhand.serving.middleware import RequestLog
from longhand.serving.page import add_page
from longhand.serving.plain_route import plain_route
from longhand.serving.schema import Health, PredictRequest, PredictResponse, Ready, Version
from longhand.serving.served_model import ServedModel
from longhand.serving.service import Service
from longhand.serving.settings import ServingSettings, keys_from_environment
from longhand.serving.tokens import tokens_router
from longhand.version import __version__

_log = logging.getLogger("longhand.serving")


def create_app(settings: ServingSettings, *, keys: tuple[str, ...] = (), model: ServedModel | None = None) -> FastAPI:
    """The application of a server with these settings; without a `model` it opens the one they name when it begins.

    Raises `UserError` for settings that are impossible.
    """
    service = Service(settings, keys)
    if model is not None:
        service.use(model)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        following: asyncio.Task[None] | None = None
        if not service.is_loaded:
            source = ModelSource(settings.model, settings.registry)
            await asyncio.get_running_loop().run_in_executor(None, _load, service, source)
            if source.moves:
                following = asyncio.create_task(follow(service, source, settings.poll_seconds))
        # What is there now stays; looking through all of it for garbage would stop the server for tenths of a second at
        # a time, again and again.
        gc.collect()
        gc.freeze()
        with _notice_of_the_end(service):
            yield
        gc.unfreeze()
        if following is not None:
            following.cancel()
        await service.drained(settings.drain_seconds)
        service.batcher.close()

    app = FastAPI(
        title="longhand",
        version=__version__,
        description="A small transformer that does arithmetic. Every answer is compared with exact arithmetic.",
        lifespan=life,
        responses={413: documented()[413]},
    )
    app.state.service = service
    add_failures(app)
    _add_predict(app, service)  # first, as routes are looked at in this order
    _add_operations(app, service)
    app.include_router(completions_router(service))
    app.include_router(tokens_router(service))
    add_page(app, service)
    _document_the_pattern(app, service)
    if settings.cors:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(settings.cors), allow_methods=["GET", "POST"], allow_headers=["*"]
        )
    app.add_middleware(RequestLog, measurements=service.measurements, max_body=settings.max_body, log=settings.log)
    return app


def from_environment() -> FastAPI:
    """The application of a worker process."""
    return create_app(ServingSettings.from_environment(), keys=keys_from_environment())


def _add_operations(app: FastAPI, service: Service) -> None:
    @app.get("/health", tags=["operations"])
    async def health() -> Health:
        """Whether the server lives: always 200."""
        return Health(model_loaded=service.is_loaded)

    @app.get("/ready", tags=["operations"], response_model=Ready, responses={503: {"model": Ready}})
    async def ready() -> Response:
        """Whether requests are welcome: 503 without a model, and before the server ends."""
        status = "draining" if service.is_draining else "ready" if service.is_loaded else "no model"
        return JSONResponse({"status": status}, 200 if status == "ready" else 503)

    @app.get("/version", tags=["operations"])
    async def version() -> Version:
        """The version of longhand, and of the model that answers now."""
        model = service.model if service.is_loaded else None
        return Version(longhand=__version__, model=model and model.name, version=model and model.version)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(service.measurements.text(), media_type=CONTENT_TYPE)


def _add_predict(app: FastAPI, service: Service) -> None:
    async def predict(request: Request, body: PredictRequest) -> Response:
        """Answer one equation.

        The headers say what the judge thinks of it (`X-Verdict`), whether it is proved that problems of this kind are
        answered rightly (`X-Certified`), and who answered (`X-Model`).
        """
        started = perf_counter()
        model = service.model
        model.check(body.equation)
        answer = await service.clients.unless_gone(request, service.answer(model, body.equation))
        verdict = answer.verdict or "none"
        request.scope["state"]["facts"] |= {
            "model": model.name,
            "version": model.version,
            "length": len(body.equation),
            "batch_size": answer.batch_size,
            "verdict": verdict,
        }
        text = answer.text
        content = {
            "equation": body.equation,
            "predicted_answer": answer.completion.answer if answer.completion.answer is not None else text,
            "full_output": body.equation + text,
            "latency_ms": round((perf_counter() - started) * 1000, 3),
        }
        headers = {
            "X-Verdict": verdict,
            "X-Certified": str(answer.certified).lower(),
            "X-Model": f"{model.name}:{model.version}",
        }
        return Response(json.dumps(content), headers=headers, media_type="application/json")

    app.router.add_api_route(
        "/predict",
        predict,
        methods=["POST"],
        tags=["arithmetic"],
        response_model=PredictResponse,
        responses=documented(),
        dependencies=[Depends(service.gate)],
        route_class_override=plain_route(PredictRequest, service.gate),
    )


def _document_the_pattern(app: FastAPI, service: Service) -> None:
    """The OpenAPI document says what the model of the moment is asked."""
    make: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        document = make()
        if service.is_loaded:
            request = document["components"]["schemas"]["PredictRequest"]["properties"]["equation"]
            request["pattern"] = service.model.accepted.pattern
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _load(service: Service, source: ModelSource) -> None:
    """Open the model; a server whose model cannot be opened lives on and says so."""
    try:
        service.use(source.open())
    except UserError as error:
        _log.warning("the model could not be loaded: %s", error)


@contextmanager
def _notice_of_the_end(service: Service) -> Iterator[None]:
    """While a server lives: SIGTERM makes `/ready` say 503 at once, and is passed on a little later."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before: Any = signal.getsignal(signal.SIGTERM)

    def notice(number: int, frame: FrameType | None) -> None:
        service.is_draining = True
        if callable(before):
            loop.call_soon_threadsafe(loop.call_later, service.settings.not_ready_seconds, before, number, frame)

    signal.signal(signal.SIGTERM, notice)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
