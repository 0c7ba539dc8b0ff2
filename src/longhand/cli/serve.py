"""`longhand serve`: a model behind an HTTP interface."""

from __future__ import annotations

import argparse
from typing import Any

from longhand.cli.arguments import Parser
from longhand.errors import UserError

_EPILOG = """\
examples:
  longhand serve                                      a shipped model, on http://127.0.0.1:8000
  longhand serve runs/demo --port 9000 --workers 2
  curl -s http://127.0.0.1:8000/predict -H 'content-type: application/json' -d '{"equation": "951+11="}'
"""

# Name, type and what it means; the defaults are those of the settings.
_OPTIONS: tuple[tuple[str, type, str], ...] = (
    ("host", str, "address to listen on (127.0.0.1)"),
    ("port", int, "port to listen on; 0: any that is free (8000)"),
    ("workers", int, "serving processes (1)"),
    ("max-batch", int, "prompts answered at once, at most (256)"),
    ("max-wait-ms", float, "how long a batch that is not full waits for more (0)"),
    ("max-queue", int, "requests that may wait; more get 503 (1024)"),
    ("deadline-ms", float, "longest time a request may take; then it gets 504 (10000)"),
    ("max-tokens", int, "longest answer that is written (16384)"),
    ("max-body", int, "largest request body in bytes (65536)"),
    ("rate-limit", str, "requests per key or address, such as 100/second (no limit)"),
    ("drain-seconds", float, "after SIGTERM, how long requests may still take (10)"),
    ("not-ready-seconds", float, "after SIGTERM, how long requests are still taken while /ready says 503 (0)"),
    ("registry", str, "folder or URL of the registry that NAME@alias is looked up in"),
    ("poll-seconds", float, "how often the registry is asked for a newer version (1)"),
)


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "serve", help="answer requests over HTTP", epilog=_EPILOG,
        description="Serve a model over HTTP: /predict, /v1/completions, a page to try it. Bearer keys, with commas"
        " in between, are read from the environment variable LONGHAND_API_KEYS.",
    )  # fmt: skip
    parser.add_argument("model", nargs="?", metavar="MODEL", help="model, run or NAME@alias (add-sub-3)")
    for name, kind, meaning in _OPTIONS:
        parser.add_argument(f"--{name}", type=kind, metavar=kind.__name__[0].upper(), help=meaning)
    parser.add_argument("--cors", action="append", metavar="ORIGIN", help="an origin whose pages may ask; repeatable")
    parser.add_argument("--no-log", action="store_true", help="write no line per request")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted; exit code 0."""
    try:
        from longhand.serving.server import serve
        from longhand.serving.settings import ServingSettings
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "uvicorn", "starlette", "prometheus_client", "limits"):
            raise
        raise UserError(f"serving needs {error.name}, which is not installed: pip install 'longhand[serve]'") from error
    names = ["model", *(name.replace("-", "_") for name, _, _ in _OPTIONS)]
    given: dict[str, Any] = {name: getattr(arguments, name) for name in names}
    values = {name: value for name, value in given.items() if value is not None}
    serve(ServingSettings.of({**values, "cors": tuple(arguments.cors or ()), "log": not arguments.no_log}))
    return 0
