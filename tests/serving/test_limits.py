"""A server that is asked too much, too long, by strangers, or by clients that leave."""

from __future__ import annotations

import io
import json
import logging
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from tests.serving.conftest import Start

from longhand.errors import UserError
from longhand.serving.keys import Gate
from longhand.serving.served_model import ServedModel
from longhand.serving.settings import ServingSettings
from longhand.serving.work import Answering
from longhand.solvers.base import Completion

EQUATION = {"equation": "1+1="}


@pytest.fixture
def slow(add_sub: ServedModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The model answers when the event is set; it notes in `add_sub.begun` and `add_sub.asked` what it was asked."""
    go, solve = threading.Event(), add_sub.solver.solve
    begun: list[str] = []
    asked: list[str] = []

    def wait(prompts: Sequence[str], **keys: Any) -> list[Completion]:
        begun.extend(prompts)
        assert go.wait(20)
        asked.extend(prompts)
        return solve(prompts, **keys)

    monkeypatch.setattr(add_sub.solver, "solve", wait)
    monkeypatch.setattr(Answering, "is_quick", lambda self, items: False)
    monkeypatch.setattr(add_sub, "begun", begun, raising=False)
    monkeypatch.setattr(add_sub, "asked", asked, raising=False)
    yield go
    go.set()


def waiting(client: httpx2.Client) -> float:
    """How many requests wait, as the server measures it."""
    lines = client.get("/metrics").text.splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith("longhand_queue_depth "))


def until(condition: Any) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_when_too_many_wait_the_next_is_503_and_told_when_to_come_again(
    start: Start, slow: threading.Event, add_sub: ServedModel
) -> None:
    client = start(max_queue=2)
    with ThreadPoolExecutor(3) as pool:
        taken = [pool.submit(client.post, "/predict", json=EQUATION)]
        until(lambda: len(add_sub.begun) == 1)  # type: ignore[attr-defined]
        taken += [pool.submit(client.post, "/predict", json=EQUATION) for _ in range(2)]
        until(lambda: waiting(client) == 2)
        refused = client.post("/predict", json=EQUATION)
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        also = client.post("/v1/completions", json={"prompt": "1+1="})
        assert (also.status_code, also.json()["error"]["type"]) == (503, "server_error")
        slow.set()
        assert [each.result().status_code for each in taken] == [200] * 3
    assert client.post("/predict", json=EQUATION).status_code == 200


def test_a_request_whose_time_is_over_gets_504(start: Start, slow: threading.Event) -> None:
    client = start(deadline_ms=40)
    late = client.post("/predict", json=EQUATION)
    assert late.status_code == 504
    slow.set()
    until(lambda: client.post("/predict", json=EQUATION).status_code == 200)


@pytest.mark.parametrize(("route", "name"), [("/predict", "equation"), ("/v1/completions", "prompt")])
def test_what_a_client_that_has_gone_was_waiting_for_is_not_done(
    start: Start, slow: threading.Event, add_sub: ServedModel, route: str, name: str
) -> None:
    client = start()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/predict", json={"equation": "2+2="})  # keeps the model busy
        until(lambda: len(add_sub.begun) == 1)  # type: ignore[attr-defined]
        host, port = client.base_url.host, client.base_url.port
        assert port is not None
        body = json.dumps({name: "3+3="}).encode()
        with socket.create_connection((host, port)) as leaving:
            head = f"POST {route} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
            leaving.sendall(f"{head}\r\n\r\n".encode() + body)
            until(lambda: waiting(client) == 1)
        left = f'longhand_requests_total{{route="{route}",status="499"}} 1.0'
        until(lambda: left in client.get("/metrics").text)
        slow.set()
        assert first.result().status_code == 200
    until(lambda: waiting(client) == 0)
    assert client.post("/predict", json={"equation": "4+4="}).status_code == 200
    assert add_sub.asked == ["2+2=", "4+4="]  # type: ignore[attr-defined]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_413(start: Start, chunked: bool) -> None:
    client = start(max_body=200)
    body = json.dumps({"equation": "1" * 300}).encode()
    content: Any = iter([body[:100], body[100:]]) if chunked else body
    response = client.post("/predict", content=content, headers={"content-type": "application/json"})
    assert response.status_code == 413
    assert client.post("/predict", json=EQUATION).status_code == 200


def test_with_keys_only_who_shows_one_may_ask(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = start(keys=("first-key", "second-key"))
    for shown in (None, "Bearer wrong", "first-key", "Bearer", "Basic first-key"):
        headers = {} if shown is None else {"authorization": shown}
        for path, body in (("/predict", EQUATION), ("/v1/completions", {"prompt": "1+1="}), ("/trace", EQUATION)):
            refused = client.post(path, json=body, headers=headers)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
    for key in ("first-key", "second-key"):
        assert client.post("/predict", json=EQUATION, headers={"authorization": f"Bearer {key}"}).status_code == 200
    for path in ("/health", "/ready", "/version", "/metrics", "/", "/docs"):
        assert client.get(path).status_code == 200
    assert "first-key" not in caplog.text


def test_no_more_than_the_rate_of_each_key_pass(start: Start) -> None:
    client = start(keys=("a", "b"), rate_limit="3/minute")

    def ask(key: str) -> httpx2.Response:
        return client.post("/predict", json=EQUATION, headers={"authorization": f"Bearer {key}"})

    assert [ask("a").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert 1 <= int(ask("a").headers["retry-after"]) <= 60
    assert ask("b").status_code == 200
    assert client.get("/health").status_code == 200


def test_a_rate_that_is_none_and_impossible_settings_are_refused_in_a_line() -> None:
    with pytest.raises(UserError, match=r"--rate-limit 'often' is no rate; give one such as 100/second"):
        Gate((), "often")
    with pytest.raises(UserError, match=r"--max-batch 0: "):
        ServingSettings.of({"max_batch": 0})


def test_every_request_leaves_a_line_and_gets_its_id_back(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    client = start(log=True, keys=("secret",))
    key = {"authorization": "Bearer secret"}
    sent = client.post("/predict", json={"equation": "951+11="}, headers={**key, "x-request-id": "my-id.1"})
    assert sent.headers["x-request-id"] == "my-id.1"
    made = client.get("/nowhere", headers={"x-request-id": 'a"b'})
    assert re.fullmatch("[0-9a-f]{12}-[0-9a-f]+", made.headers["x-request-id"])
    logged = ""

    def lines() -> list[dict[str, Any]]:
        nonlocal logged
        logged += capfd.readouterr().err
        return [json.loads(line) for line in logged.splitlines() if line.startswith("{")]

    until(lambda: len(lines()) == 2)  # a line is written when its answer has gone
    first, second = lines()
    assert {k: first[k] for k in ("id", "route", "status", "model", "length", "batch_size", "verdict")} == {
        "id": "my-id.1",
        "route": "/predict",
        "status": 200,
        "model": "add-sub-3",
        "length": 7,
        "batch_size": 1,
        "verdict": "correct",
    }
    assert first["latency_ms"] > 0
    assert (second["route"], second["status"]) == ("other", 404)
    assert "secret" not in logged


def test_a_request_is_answered_when_nobody_reads_the_log(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = start(log=True)
    tried: list[str] = []

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            tried.append(text)
            raise BrokenPipeError

    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", Closed())
        for _ in range(2):
            assert client.post("/predict", json=EQUATION).status_code == 200
        until(lambda: len(tried) == 2)
    client.get("/health")
    assert not caplog.records


def test_metrics_count_what_happened(start: Start) -> None:
    client = start()
    client.post("/predict", json=EQUATION)
    client.post("/predict", json={"equation": "x"})
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    text = response.text
    for line in (
        'longhand_requests_total{route="/predict",status="200"} 1.0',
        'longhand_requests_total{route="/predict",status="422"} 1.0',
        'longhand_verdicts_total{verdict="correct"} 1.0',
        "longhand_batch_size_count 1.0",
        "longhand_queue_depth 0.0",
    ):
        assert line in text
    assert 'longhand_model_info{name="add-sub-3",version="' in text
    assert "longhand_request_seconds_bucket" in text


def test_pages_of_other_origins_may_ask_only_if_they_are_named(start: Start) -> None:
    for settings, allowed in (({}, None), ({"cors": ("https://lab.example",)}, "https://lab.example")):
        response = start(**settings).get("/health", headers={"origin": "https://lab.example"})
        assert response.headers.get("access-control-allow-origin") == allowed
