"""What the notebook of a bundle does once this package can be imported."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from longhand.errors import UserError
from longhand.olympiad.contest.contract import RERUN
from longhand.olympiad.contest.predictor import Predictor
from longhand.olympiad.contest.server import InferenceServer
from longhand.olympiad.selection import selector_of

INPUT = Path("/kaggle/input")
LOG = "contest-log.jsonl"
_HELPER = "kaggle_evaluation/aimo_3_inference_server.py"


def take_part(bundle: Path, csv: Path | None = None, *, inputs: Path = INPUT) -> None:
    """Answer the host's hidden problems, or where it does not ask, those of `csv` (by default the host's example).

    The server is the host's own where its helper files lie among the `inputs`, else ours. Raises `UserError` if there
    is no csv.
    """
    settings = json.loads((bundle / "contest.json").read_text(encoding="utf-8"))
    arguments = {"model": str(bundle / "weights"), **settings["arguments"]}
    data = host_data(inputs)
    memory = settings["memory_bytes"]
    selector = selector_of(settings["selector"])
    with Predictor(settings["solver"], arguments, selector=selector, memory_bytes=memory, log=Path(LOG)) as predictor:
        server = server_class(data)(predictor.predict())
        if os.environ.get(RERUN):
            server.serve()
            return
        problems = csv or (data or inputs) / "test.csv"
        if not problems.is_file():
            raise UserError(f"no problems at {problems}; name a csv with id and problem")
        server.run_local_gateway((str(problems),))


def host_data(inputs: Path) -> Path | None:
    """The folder with the host's data and helper files, wherever it lies among the inputs of a notebook."""
    return next((path.parents[1] for path in sorted(inputs.rglob(_HELPER))), None)


def server_class(data: Path | None) -> Callable[[Callable[..., Any]], Any]:
    """The host's class of servers from its helper files; ours where there are none."""
    if data is None:
        return InferenceServer
    sys.path += [str(data), str(data / "kaggle_evaluation")]  # its modules import each other both ways
    module = import_module("kaggle_evaluation.aimo_3_inference_server")
    found: Callable[[Callable[..., Any]], Any] = module.AIMO3InferenceServer
    return found
