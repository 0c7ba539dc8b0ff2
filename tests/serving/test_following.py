"""A server that follows an alias of the registry while it answers."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from tests.serving.conftest import Start

from longhand.errors import UserError
from longhand.registry.aliases import Target, promote, rollback
from longhand.registry.fetch import fetch
from longhand.registry.push import push
from longhand.registry.store import Store, open_store
from longhand.serving import following
from longhand.shipped import model_path


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A registry with two versions of `adder`, the first of which is in production."""
    monkeypatch.setenv("LONGHAND_CACHE", str(tmp_path / "cache"))
    store = open_store(tmp_path / "registry")
    push(store, model_path("certified-add-3"), "adder")
    promote(store, "adder", 1)
    push(store, model_path("certified-signed-3"), "adder")
    return store


def follower(start: Start, store: Store) -> httpx2.Client:
    return start(served=None, model="adder@production", registry=store.root, poll_seconds=0.05)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def until_version(client: httpx2.Client, version: str) -> None:
    until(lambda: client.get("/version").json()["version"] == version)


def test_versions_are_switched_under_load_without_losing_a_request(start: Start, store: Store) -> None:
    client = follower(start, store)
    seen: set[str] = set()
    stop = threading.Event()
    wrong: list[object] = []

    def ask(offset: int) -> None:
        with httpx2.Client(base_url=client.base_url, timeout=60) as mine:
            a = offset
            while not stop.is_set():
                a += 8
                response = mine.post("/predict", json={"equation": f"{a}+77="})
                if response.status_code != 200 or response.json()["predicted_answer"] != str(a + 77):
                    wrong.append((a, response.status_code, response.text))
                seen.add(response.headers.get("x-model", ""))

    threads = [threading.Thread(target=ask, args=(offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: "adder:1" in seen)
    promote(store, "adder", 2)
    until(lambda: "adder:2" in seen)
    assert client.post("/predict", json={"equation": "5-9="}).json()["predicted_answer"] == "-4"
    rollback(store, "adder")
    until_version(client, "1")
    assert client.post("/predict", json={"equation": "5-9="}).status_code == 422
    seen.clear()
    until(lambda: "adder:1" in seen)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert seen <= {"adder:1", "adder:2"}
    assert 'longhand_model_info{name="adder",version="1"} 1.0' in client.get("/metrics").text


def test_a_version_whose_hash_is_wrong_is_refused_and_the_one_before_stays(
    start: Start, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = follower(start, store)
    until_version(client, "1")
    promote(store, "adder", 2)
    until_version(client, "2")
    rollback(store, "adder")
    until_version(client, "1")
    shutil.rmtree(tmp_path / "cache")
    weights = tmp_path / "registry" / "adder" / "versions" / "2" / "model.safetensors"
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.chmod(0o644)
    weights.write_bytes(damaged)
    alias = tmp_path / "registry" / "adder" / "aliases" / "production.json"
    before = alias.read_text()
    # Somebody who changes the alias by hand: the command would look at the hashes first.
    alias.write_text(_pointing_to(before, 2))
    end = time.monotonic() + 20
    while "the version that is served stays" not in caplog.text:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert client.get("/version").json()["version"] == "1"
    assert client.post("/predict", json={"equation": "1+1="}).json()["predicted_answer"] == "2"
    assert caplog.text.count("the version that is served stays") == 1  # said once, not at every look


def _pointing_to(content: str, version: int) -> str:
    import json

    alias = json.loads(content)
    change = next(each for each in alias["history"] if each["version"] == version)
    alias["history"].append({**change, "previous": alias["version"]})
    alias |= {"version": version, "sha256": change["sha256"]}
    return json.dumps(alias)


def test_a_server_that_began_without_its_model_takes_it_when_it_appears(start: Start, store: Store) -> None:
    client = start(served=None, model="adder@staging", registry=store.root, poll_seconds=0.05)
    assert client.get("/ready").status_code == 503
    promote(store, "adder", 2, "staging")
    until_version(client, "2")
    assert client.get("/ready").status_code == 200


@pytest.mark.parametrize("trouble", [UserError("cannot read it: timed out"), OSError("no space left")])
def test_a_version_that_could_not_be_fetched_is_fetched_later(
    start: Start, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, trouble: Exception
) -> None:
    client = follower(start, store)
    until_version(client, "1")
    failures = [trouble, trouble]

    def fails_at_first(store: Store, target: Target) -> Path:
        if failures:
            raise failures.pop()
        return fetch(store, target)

    monkeypatch.setattr(following, "fetch", fails_at_first)
    promote(store, "adder", 2)
    until_version(client, "2")
    assert failures == []
    assert caplog.text.count(str(trouble)) == 1
