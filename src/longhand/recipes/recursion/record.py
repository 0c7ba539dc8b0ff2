"""What is kept of a run: one line of JSON, with which problems were right, so that runs can be compared in pairs."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longhand.errors import UserError
from longhand.recipes.recursion.plan import Plan

RUNS = "runs.jsonl"

Run = dict[str, Any]
"""task, arm, seed, plan (its fingerprint), parameters, and for each ledger what was spent and what was right."""


def fingerprint(plan: Plan) -> str:
    """What tells this plan from all others, whatever seeds of it are run."""
    text = json.dumps(plan.model_dump(mode="json", exclude={"seeds"}), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:16]


def pack(right: Tensor) -> str:
    """Bool [n] as eight to a byte, in base64."""
    return base64.b64encode(np.packbits(right.numpy()).tobytes()).decode()


def unpack(text: str, n: int) -> Tensor:
    """What `pack` packed, n of them."""
    bits = np.unpackbits(np.frombuffer(base64.b64decode(text), dtype=np.uint8))
    return torch.from_numpy(bits[:n].astype(bool))


def append(out: Path, runs: Sequence[Run]) -> None:
    """Add the lines of finished runs, in one write: several processes may do so at the same time."""
    lines = "".join(json.dumps(run, separators=(",", ":")) + "\n" for run in runs).encode()
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = os.open(out / RUNS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(handle, lines)
        finally:
            os.close(handle)
    except OSError as error:
        raise UserError(f"cannot write {out / RUNS}: {error.strerror}") from error


def read_runs(path: Path, plan: Plan) -> list[Run]:
    """The finished runs of a file, sorted; a line that was cut off is none. There may be no such file yet.

    Raises `UserError` for runs of another plan.
    """
    if not path.exists():
        return []
    wanted, found = fingerprint(plan), {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            run: Run = json.loads(line)
        except json.JSONDecodeError:
            continue
        if run["plan"] != wanted:
            raise UserError(f"{path} has runs of another plan; give another --out or remove it")
        found[key_of(run)] = run
    return [found[key] for key in sorted(found)]


def key_of(run: Mapping[str, Any]) -> tuple[str, str, int]:
    """Task, arm and seed."""
    return run["task"], run["arm"], run["seed"]
