"""The interface of system 002: its routes, fields, status codes and nothing else."""

from __future__ import annotations

import itertools
from typing import Any

import httpx2
import pytest
from tests.serving.conftest import Start

from longhand.arithmetic.domain import Domain
from longhand.serving.served_model import ServedModel


def ask(client: httpx2.Client, equation: Any) -> httpx2.Response:
    return client.post("/predict", json={"equation": equation})


@pytest.mark.row("S2-A1")
def test_health_says_that_a_model_is_loaded(client: httpx2.Client) -> None:
    response = client.get("/health")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "model_loaded": True}


@pytest.mark.row("S2-A2")
def test_an_equation_gets_these_fields_and_no_others(client: httpx2.Client) -> None:
    response = ask(client, "951+11=")
    body = response.json()
    assert response.status_code == 200
    assert list(body) == ["equation", "predicted_answer", "full_output", "latency_ms"]
    assert (body["equation"], body["predicted_answer"], body["full_output"]) == ("951+11=", "962", "951+11=962")
    assert body["latency_ms"] == round(body["latency_ms"], 3) > 0
    assert response.headers["x-verdict"] == "correct"
    assert response.headers["x-certified"] == "false"


@pytest.mark.row("S2-A3")
@pytest.mark.bug("S2-2a", "S2-2b")
@pytest.mark.parametrize(
    "equation",
    [
        "1000+1=", "951+11", "951+11=962", "+11=", "951+=", "951*11=", "007+1=", "1+01=", "5-9=", "-5+9=",
        "９５１+11=", "٣+٤=", "951＋11=", "951 + 11 =", "951+11=\n", "", "=", "1+2+3=", "½+1=", "²+1=",
    ],
)  # fmt: skip
def test_anything_outside_the_domain_is_422(client: httpx2.Client, equation: str) -> None:
    response = ask(client, equation)
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert problem["loc"] == ["body", "equation"]
    assert problem["input"] == equation


@pytest.mark.row("S2-A3")
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"equation": 5}', b'{"equation": null}', b'{"other": "1+1="}', b"\xff\xfe"]
)
def test_a_body_that_is_none_is_422(client: httpx2.Client, body: bytes) -> None:
    response = client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert "detail" in response.json()


@pytest.mark.row("S2-A3")
@pytest.mark.bug("S2-3g")
def test_without_a_model_it_lives_and_says_503(start: Start) -> None:
    client = start(served=None, model="nowhere")
    assert client.get("/health").json() == {"status": "ok", "model_loaded": False}
    assert client.get("/ready").status_code == 503
    response = ask(client, "1+1=")
    assert (response.status_code, response.json()) == (503, {"detail": "Model not loaded"})


def test_the_pattern_of_a_model_with_four_operators_takes_four(start: Start) -> None:
    client = start(served=ServedModel.open("four-3"))
    for equation, answer in {"12*345=": "4140", "187-503=": "-316", "951/11=": "86r5", "0/1=": "0r0"}.items():
        body = ask(client, equation).json()
        assert body["predicted_answer"] == answer
    assert ask(client, "1/0=").status_code == 422


def test_a_certified_model_answers_any_length_and_says_that_it_is_proved(start: Start) -> None:
    client = start(served=ServedModel.open("certified-add-3"))
    a, b = "9" * 400, "1" + "0" * 399
    response = ask(client, f"{a}+{b}=")
    assert response.json()["predicted_answer"] == str(int(a) + int(b))
    assert response.headers["x-certified"] == "true"
    assert ask(client, "5-3=").status_code == 422
    assert ask(client, "007+3=").status_code == 422


def test_what_is_accepted_is_the_domain(add_sub: ServedModel) -> None:
    strings = {"".join(characters) for n in range(6) for characters in itertools.product("019+-=", repeat=n)}
    domain = (f"{problem.expression}=" for problem in Domain(max_operand=999))
    asked = {equation for equation in strings if add_sub.accepted.why_not(equation) is None}
    assert asked == strings.intersection(domain)
    assert len(asked) > 50
