"""What the OpenAPI document promises is kept, whatever is sent: schemathesis asks a server on a port."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from longhand.serving.served_model import ServedModel


@pytest.fixture(scope="module")
def document(client: httpx2.Client) -> Any:
    """The document of a server, as schemathesis reads it."""
    return schemathesis.openapi.from_url(str(client.base_url.join("/openapi.json")))


ROUTES = (
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/version"),
    ("POST", "/predict"),
    ("GET", "/v1/models"),
    ("POST", "/v1/completions"),
    ("POST", "/tokenize"),
    ("POST", "/detokenize"),
    ("GET", "/tokenizer_info"),
    ("GET", "/card"),
    ("POST", "/trace"),
    ("GET", "/pairs"),
)


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_every_response_is_a_documented_one(
    document: Any, method: str, path: str, mode: schemathesis.GenerationMode
) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=document[path][method].as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        # What a model is asked is narrower than a schema can say: 5-9= has the pattern, and is not of the domain.
        case.call_and_validate(excluded_checks=[schemathesis.checks.positive_data_acceptance])

    try:
        ask()
    except Unsatisfiable:  # nothing about this route can be wrong
        assert method == "GET"


def test_every_route_of_the_document_is_asked(document: Any) -> None:
    found = {(o.ok().method.upper(), o.ok().path) for o in document.get_all_operations()}
    assert found == set(ROUTES)


def test_the_document_says_what_the_model_of_the_moment_is_asked(client: httpx2.Client, add_sub: ServedModel) -> None:
    document = client.get("/openapi.json").json()
    equation = document["components"]["schemas"]["PredictRequest"]["properties"]["equation"]
    assert equation["pattern"] == add_sub.accepted.pattern


@pytest.mark.row("S2-A3")
def test_failures_are_documented(client: httpx2.Client) -> None:
    responses = client.get("/openapi.json").json()["paths"]["/predict"]["post"]["responses"]
    assert set(responses) == {"200", "401", "413", "422", "429", "503", "504"}
