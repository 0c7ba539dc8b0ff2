"""Registries in a folder and on a server that speaks S3, and small checkpoints to push."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from longhand.registry.store import Store, open_store
from longhand.runs.checkpoint import load_checkpoint, save_checkpoint
from longhand.shipped import model_path

Checkpoints = Callable[..., Path]

BUCKET = "models"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a working folder of its own, which is where a registry is by default."""
    monkeypatch.setenv("LONGHAND_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LONGHAND_REGISTRY", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache" / "registry"


@pytest.fixture(scope="session")
def s3() -> Iterator[Any]:
    """A server on the loopback that speaks S3, with one bucket, named by the variables that all clients read."""
    import boto3
    from moto.moto_server import threaded_moto_server

    # It looks whether a condition holds and writes in two steps; a server that keeps data does both in one.
    one_at_a_time = threading.Lock()

    class OneAtATime(threaded_moto_server.DomainDispatcherApplication):
        def __call__(self, environ: Any, start_response: Any) -> Any:
            with one_at_a_time:
                return super().__call__(environ, start_response)

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threaded_moto_server, "DomainDispatcherApplication", OneAtATime)
        server = threaded_moto_server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client
        client.close()
        server.stop()


on_both = pytest.mark.parametrize("root", ["folder", "s3"], indirect=True)
"""The same test in a folder and on the server."""


@pytest.fixture
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty registry, in a folder unless the test says otherwise."""
    if getattr(request, "param", "folder") == "folder":
        return str(tmp_path / "registry")
    request.getfixturevalue("s3")
    return f"s3://{BUCKET}/{uuid4().hex}"


@pytest.fixture
def store(root: str) -> Store:
    return open_store(root)


Spoil = Callable[[str, bytes | None], None]


@pytest.fixture
def spoil(root: str, request: pytest.FixtureRequest) -> Spoil:
    """Write over a file of the registry, or remove it, as nobody should."""

    def write(path: str, content: bytes | None) -> None:
        if not root.startswith("s3://"):
            file = Path(root) / path
            if content is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            return
        client, key = request.getfixturevalue("s3"), f"{root.removeprefix(f's3://{BUCKET}/')}/{path}"
        if content is None:
            client.delete_object(Bucket=BUCKET, Key=key)
        else:
            client.put_object(Bucket=BUCKET, Key=key, Body=content)

    return write


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Checkpoints:
    """Checkpoints that differ in what was measured of them; the same number is the same checkpoint."""
    home = tmp_path_factory.mktemp("checkpoints")
    original = load_checkpoint(model_path("certified-add-3"))

    def checkpoint(number: int) -> Path:
        place = home / str(number)
        if not place.exists():
            save_checkpoint(place, replace(original, metrics={**original.metrics, "number": number}))
        return place

    return checkpoint


def flipped(content: bytes) -> bytes:
    """The same bytes but for one bit of the last."""
    return content[:-1] + bytes([content[-1] ^ 1])


def bytes_of(directory: Path) -> dict[str, bytes]:
    """Every file below a directory by its relative path."""
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}
