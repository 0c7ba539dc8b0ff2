"""Reading the ordinary body at once makes no difference to what is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi import Depends, FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from tests.serving.conftest import listening

from longhand.serving.failures import add_failures
from longhand.serving.plain_route import plain_route


class Body(BaseModel):
    equation: str
    times: int = 1


async def door(request: Request) -> None:
    if request.headers.get("authorization") == "no":
        raise HTTPException(401, "not you")


async def answer(request: Request, body: Body) -> Response:
    """Say what was read."""
    if body.equation == "fail":
        raise HTTPException(404, "failed")
    return JSONResponse(body.model_dump())


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    app = FastAPI()
    add_failures(app)
    how: dict[str, Any] = {"methods": ["POST"], "dependencies": [Depends(door)]}
    app.router.add_api_route("/fastapi", answer, **how)
    app.router.add_api_route("/plain", answer, **how, route_class_override=plain_route(Body, door))
    with listening(app) as address, httpx2.Client(base_url=address) as client:
        yield client


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("fail") | st.lists(st.integers())
CONTENTS = st.dictionaries(st.sampled_from(["equation", "times", "more"]), VALUES) | VALUES
BODIES = st.one_of(
    st.builds(lambda text: json.dumps({"equation": text}).encode(), st.text() | st.just("fail")),
    CONTENTS.map(lambda content: json.dumps(content).encode()),
    CONTENTS.map(lambda content: json.dumps(content, ensure_ascii=False).encode("utf-16", "surrogatepass")),
    st.binary(),
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.just("application/json")
        | st.sampled_from(["Application/JSON; charset=utf-8", "application/problem+json", "text/plain", ""]),
        "authorization": st.sampled_from(["no", "yes"]),
    },
)


@given(BODIES, HEADERS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_plain_route_answers_as_fastapi_does(client: httpx2.Client, body: bytes, headers: dict[str, str]) -> None:
    plain, other = (client.post(path, content=body, headers=headers) for path in ("/plain", "/fastapi"))
    assert (plain.status_code, plain.content) == (other.status_code, other.content)
    assert plain.status_code in (200, 401, 404, 422)
    plain.json()


def test_a_plain_route_reads_what_fits_and_refuses_what_does_not(client: httpx2.Client) -> None:
    assert client.post("/plain", json={"equation": "1+1=", "times": 3}).json() == {"equation": "1+1=", "times": 3}
    refused = client.post("/plain", json={"equation": "1+1=", "times": "x"})
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "times"])
    assert client.post("/plain", json={"equation": "x"}, headers={"authorization": "no"}).status_code == 401
    assert client.get("/plain").status_code == 405


def test_a_plain_route_is_documented_as_any_other(client: httpx2.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    plain, other = paths["/plain"]["post"], paths["/fastapi"]["post"]
    assert plain["requestBody"] == other["requestBody"]
    assert plain["responses"] == other["responses"]
