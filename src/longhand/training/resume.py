"""Going on with a run that was interrupted, killed or is to be made longer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from longhand.errors import UserError
from longhand.runs.checkpoint import TRAINING, TRAINING_STATE
from longhand.training.backend import State
from longhand.training.run_config import RunConfig
from longhand.training.run_directory import RunDirectory

Resume = Literal["auto"] | Path | str | None

# What a run may change when it goes on: how long and how it trains, where it computes, and where its files lie.
_MAY_CHANGE = ("training.", "runtime.", "tracking.", "data.path")


def resume_run(state: State, config: RunConfig, directory: RunDirectory, resume: Resume) -> list[str]:
    """Put the state a user wants to go on from into `state`; returns what the user should know.

    Raises `UserError` if there is no such state, if it was trained with another model, format, vocabulary or data, or
    if its directory is another one than `directory` and that one is used.
    """
    checkpoint = _find(directory, resume)
    if checkpoint is None:
        return []
    notices = _compare(checkpoint, config)
    state.read(checkpoint)
    state.best.entries = [(value, step) for value, step in state.best.entries if directory.checkpoint(step).is_dir()]
    return [f"resuming from {checkpoint} after step {state.step:,}", *notices]


def _find(directory: RunDirectory, resume: Resume) -> Path | None:
    if resume is None:
        return None
    if resume == "auto":
        return directory.newest_checkpoint()
    path = Path(resume)
    if not path.is_dir():
        raise UserError(f"nothing to resume at {path}: no such directory")
    found = path if (path / TRAINING_STATE).is_dir() else RunDirectory(path).newest_checkpoint()
    if found is None:
        raise UserError(f"nothing to resume at {path}: it holds no checkpoint with a {TRAINING_STATE}")
    if found.resolve().parent != directory.checkpoints.resolve():
        directory.refuse_if_used()
    return found


def _compare(checkpoint: Path, config: RunConfig) -> list[str]:
    """Notices of settings that differ from those of the checkpoint; raises `UserError` where they must not."""
    try:
        saved = json.loads((checkpoint / TRAINING).read_text(encoding="utf-8"))["config"]
        before, after = dict(_flatten(saved)), dict(_flatten(config.to_dict()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{checkpoint / TRAINING} cannot be read; resume from another checkpoint") from error
    notices = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if not key.startswith(_MAY_CHANGE):
            raise UserError(
                f"{checkpoint} was trained with {key}: {json.dumps(old)}, not {json.dumps(new)};"
                " set it back, or train in another --output-dir"
            )
        notices.append(f"{key} is now {json.dumps(new)}, it was {json.dumps(old)}")
    return notices


def _flatten(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
