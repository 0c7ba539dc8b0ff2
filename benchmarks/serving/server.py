"""The server that the load scripts ask: that of `longhand serve`, and one route more that does nothing.

    python benchmarks/serving/server.py --port 8000 [MODEL]

`POST /noop` takes a JSON body, checks it as `/predict` does its own, and answers JSON: what is left of the time of a
request when the model is taken away.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket

import uvicorn
from starlette.responses import Response

from longhand.serving.app import create_app
from longhand.serving.schema import PredictRequest, PredictResponse
from longhand.serving.settings import ServingSettings


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="add-sub-3")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--log", action="store_true", help="write a line per request, as the server does by default")
    arguments, rest = parser.parse_known_args()
    settings = {rest[i][2:].replace("-", "_"): rest[i + 1] for i in range(0, len(rest), 2)}
    app = create_app(ServingSettings(model=arguments.model, port=arguments.port, log=arguments.log, **settings))

    @app.post("/noop", response_model=PredictResponse)
    async def noop(body: PredictRequest) -> Response:
        content = {"equation": body.equation, "predicted_answer": "", "full_output": "", "latency_ms": 0.001}
        return Response(json.dumps(content), media_type="application/json")

    app.router.routes.insert(0, app.router.routes.pop())  # routes are looked at in order: nobody is before it

    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", arguments.port))
    listening.listen(2048)
    server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning", server_header=False))
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listening]))


if __name__ == "__main__":
    main()
