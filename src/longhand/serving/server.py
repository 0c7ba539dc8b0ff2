"""A server on a port: one process, or several that share it."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from longhand.errors import UserError
from longhand.serving.app import create_app
from longhand.serving.following import ModelSource
from longhand.serving.keys import Gate
from longhand.serving.settings import ServingSettings, keys_from_environment

_BACKLOG = 2048
_KEEP_ALIVE = 75
"""Seconds an idle connection is kept: longer than proxies keep theirs (60), or they send requests to closed ones."""


def serve(settings: ServingSettings) -> None:
    """Serve until SIGTERM or SIGINT; returns when all requests have been answered or `drain_seconds` are over.

    Raises `UserError` if the port is taken, or a setting is impossible.
    """
    keys = keys_from_environment()
    Gate(keys, settings.rate_limit)  # what is impossible is found before anything starts
    ModelSource(settings.model, settings.registry)
    listening = _listen(settings.host, settings.port)
    address = "http://{}:{}".format(*listening.getsockname()[:2])
    options: dict[str, Any] = {
        "access_log": False,
        "log_level": "warning",
        "timeout_graceful_shutdown": max(1, round(settings.drain_seconds)),
        "server_header": False,
        "backlog": _BACKLOG,
        "timeout_keep_alive": _KEEP_ALIVE,
    }
    print(f"longhand serves {settings.model} on {address}   (Ctrl-C ends it)", flush=True)
    # uvicorn raises the signal that ended it once more when it is done: a server that was asked to end has not failed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: None)
    if settings.workers > 1:
        settings.to_environment()
        config = uvicorn.Config(
            "longhand.serving.app:from_environment", factory=True, workers=settings.workers, **options
        )
        Multiprocess(config, sockets=[listening]).run()
        return
    server = uvicorn.Server(uvicorn.Config(create_app(settings, keys=keys), **options))
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listening]))


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)  # who comes before the model is read waits, and is not turned away
    except OSError as error:
        listening.close()
        raise UserError(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from error
    listening.set_inheritable(True)
    return listening
