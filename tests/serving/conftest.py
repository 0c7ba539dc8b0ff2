"""Real servers on real ports, in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI

from longhand.serving.app import create_app
from longhand.serving.served_model import ServedModel
from longhand.serving.settings import ServingSettings

Start = Callable[..., httpx2.Client]


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """The address of a server of `app` that lives inside of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5))

        def run() -> None:
            with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
                runner.run(server.serve(sockets=[free]))

        thread = threading.Thread(target=run)
        thread.start()
        end = monotonic() + 30
        while not server.started and monotonic() < end:
            sleep(0.005)
        yield "http://{}:{}".format(*free.getsockname())
        server.should_exit = True
        thread.join(timeout=30)


@pytest.fixture(scope="session")
def add_sub() -> ServedModel:
    """The default model of a server."""
    return ServedModel.open("add-sub-3")


@pytest.fixture
def start(add_sub: ServedModel) -> Iterator[Start]:
    """Start a server with settings of its own, and get a client of it: `start(max_queue=1, keys=("k",))`."""
    ends = []

    def begin(*, keys: tuple[str, ...] = (), served: ServedModel | None = add_sub, **settings: Any) -> httpx2.Client:
        app = create_app(ServingSettings(**{"log": False, **settings}), keys=keys, model=served)
        server = listening(app)
        client = httpx2.Client(base_url=server.__enter__(), timeout=30)
        ends.append((server, client))
        return client

    yield begin
    for server, client in ends:
        client.close()
        server.__exit__(None, None, None)


@pytest.fixture(scope="module")
def client(add_sub: ServedModel) -> Iterator[httpx2.Client]:
    """A client of a server with the default settings, shared by the tests of a file."""
    app = create_app(ServingSettings(log=False), model=add_sub)
    with listening(app) as address, httpx2.Client(base_url=address, timeout=30) as client:
        yield client
