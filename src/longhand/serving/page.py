"""The page at `/`: files of this package, sent with headers that let them load nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI
from starlette.responses import Response

from longhand.serving.failures import documented
from longhand.serving.schema import PredictRequest
from longhand.serving.served_model import ServedModel
from longhand.serving.service import Service
from longhand.serving.work import Pairs, Tracing

STATIC = Path(__file__).parent / "static"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_page(app: FastAPI, service: Service) -> None:
    """Serve the page, its files, and the card of the model that it shows."""
    known: dict[ServedModel, dict[str, Any]] = {}
    files = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in TYPES}

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return _file("index.html", files["index.html"])

    @app.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        content = files.get(name)
        return Response(status_code=404) if content is None else _file(name, content)

    @app.get("/card", tags=["page"], responses={503: documented()[503]})
    async def card() -> dict[str, Any]:
        """What is known of the model: sizes, domain, measurements, what is proved."""
        return service.model.card

    @app.post("/trace", tags=["page"], responses=documented(), dependencies=[Depends(service.gate)])
    async def trace(body: PredictRequest) -> dict[str, Any]:
        """Answer one equation, and say of every token how sure the model was and where it looked."""
        model = service.model
        model.check(body.equation)
        done = await service.do(Tracing(model), body.equation)
        found: dict[str, Any] = done.value
        return found

    @app.get("/pairs", tags=["page"], responses=documented(), dependencies=[Depends(service.gate)])
    async def pairs() -> dict[str, list[list[dict[str, Any] | None]]]:
        """The model's answer to every pair of digits, by operator: null where it is not asked."""
        model = service.model
        if model not in known:
            done = await service.do(Pairs(model), None)
            known.clear()
            known[model] = done.value
        return known[model]


def _file(name: str, content: bytes) -> Response:
    return Response(content, headers=HEADERS, media_type=f"{TYPES[Path(name).suffix]}; charset=utf-8")
