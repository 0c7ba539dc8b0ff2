"""What the image starts, started here; and the whole image, where that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
import yaml
from deploy.clean_root import NEEDED
from deploy.dockerfile import parse
from tests.serving.test_process import served

ROOT = Path(__file__).parents[2]
IMAGE = parse((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def words_of(name: str) -> list[str]:
    instruction = IMAGE.last(name)
    assert instruction is not None
    return instruction.command()


def exit_code(check: list[str], port: int | None) -> int:
    """The exit code of a health check as it is written, but for the port."""
    assert check[0] == "python"
    words = [word.replace("8000", str(port)) for word in check[1:]]
    return subprocess.run([sys.executable, *words], capture_output=True, check=False, timeout=60).returncode


@pytest.mark.row("S2-K1")
def test_what_the_image_starts_serves_and_its_health_checks_say_so() -> None:
    command = words_of("CMD")
    assert command[:3] == ["serve", "--host", "0.0.0.0"]
    port = command.index("--port")
    health = words_of("HEALTHCHECK")
    ready = COMPOSE["services"]["server"]["healthcheck"]["test"]
    assert ready[0] == "CMD"
    with served(*command[1:port], *command[port + 2 :]) as (process, client):
        here = httpx2.URL(client.base_url).port
        assert exit_code(health, here) == 0
        assert exit_code(ready[1:], here) == 0
        response = client.post("/predict", json={"equation": "951+11="})
        assert response.json()["predicted_answer"] == "962"
        client.close()
        process.terminate()
        assert process.wait(30) == 0
    assert exit_code(health, here) == 1
    assert exit_code(ready[1:], here) == 1


def test_without_a_model_the_server_is_healthy_and_not_ready(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "longhand", "serve", "no@model", "--registry", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().split("http://")[1].split()[0].rpartition(":")[2])
            assert exit_code(words_of("HEALTHCHECK"), port) == 0
            assert exit_code(COMPOSE["services"]["server"]["healthcheck"]["test"][1:], port) == 1
        finally:
            process.terminate()
        assert process.wait(30) == 0


def test_behind_a_proxy_that_is_trusted_a_rate_is_that_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(client: httpx2.Client, address: str) -> int:
        headers = {"X-Forwarded-For": address}
        return client.post("/predict", json={"equation": "1+1="}, headers=headers).status_code

    for name, value in COMPOSE["services"]["server"]["environment"].items():
        if "$" not in value:
            monkeypatch.setenv(name, value)
    with served("--rate-limit", "1/minute") as (_, client):
        addresses = ("192.0.2.1", "192.0.2.2", "192.0.2.1")
        assert [asked(client, address) for address in addresses] == [200, 200, 429]


@pytest.mark.slow
@pytest.mark.skipif(
    not (hasattr(os, "geteuid") and os.geteuid() == 0 and all(map(shutil.which, NEEDED))),
    reason="needs root and debootstrap",
)
@pytest.mark.row("S2-K1")
def test_the_image_is_built_in_a_clean_root_and_serves() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.clean_root"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
