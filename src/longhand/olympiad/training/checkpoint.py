"""What was trained as a directory: JSON and safetensors, nothing pickled, whole or not at all.

::

    trm.json              sizes and choices (n_supervision among them), training, whose head it is, what was measured;
                          of a baseline, baseline.json
    model.safetensors     the weights that are evaluated: the average if one was kept; a frozen head is not among them
    manifest.json         size and SHA-256 of every file
    training_state/       state.json and state.safetensors: what a run needs to go on
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from longhand.atomic import replacing_directory
from longhand.errors import UserError
from longhand.models.trm import RecursiveHead, build_head
from longhand.models.trm_backbone import Backbone
from longhand.models.trm_config import TrmConfig
from longhand.runs.checkpoint import TRAINING_STATE, check_shapes
from longhand.runs.manifest import check_files, listed_files, write_manifest
from longhand.runs.weights_file import SAFETENSORS, read_weights
from longhand.version import __version__

ABOUT, BASELINE_ABOUT = "trm.json", "baseline.json"
FORMAT_VERSION = 1
STATE_JSON, STATE_TENSORS = f"{TRAINING_STATE}/state.json", f"{TRAINING_STATE}/state.safetensors"


@dataclass(frozen=True)
class RunState:
    """What a run needs to go on: numbers as JSON data, and tensors by name."""

    numbers: Mapping[str, Any]
    tensors: Mapping[str, Tensor] = field(default_factory=dict)


def save_trm(
    directory: Path, model: nn.Module, about: Mapping[str, Any], state: RunState | None = None, name: str = ABOUT
) -> None:
    """Write a checkpoint, whole or not at all; an older one at the same place is replaced.

    `about`, written as the file `name`, is JSON data with the keys `trm` (the configuration) and `backbone` (see
    `describe_backbone`, None for a model without one). Raises `UserError` when the folder cannot be written or the
    disk is full.
    """
    head = {"format_version": FORMAT_VERSION, "longhand_version": __version__}
    with replacing_directory(Path(directory)) as temporary:
        _write_json(temporary / name, {**head, **about})
        _write_tensors(temporary / SAFETENSORS, model.state_dict())
        if state is not None:
            (temporary / TRAINING_STATE).mkdir()
            _write_json(temporary / STATE_JSON, dict(state.numbers))
            _write_tensors(temporary / STATE_TENSORS, state.tensors)
        write_manifest(temporary)


def read_about(directory: Path, name: str = ABOUT) -> dict[str, Any]:
    """What a checkpoint says of itself in the file `name`; raises `UserError` if there is none, or it is damaged."""
    directory = Path(directory)
    if not directory.is_dir():
        raise UserError(f"no checkpoint at {directory}: no such directory")
    if not (directory / name).is_file():
        kind = "recursive model" if name == ABOUT else "baseline"
        raise UserError(f"{directory} holds no {kind}: it has no {name}")
    check_files(directory, (name, SAFETENSORS))
    about: dict[str, Any] = json.loads((directory / name).read_text(encoding="utf-8"))
    if about["format_version"] > FORMAT_VERSION:
        raise UserError(
            f"{directory} was written by longhand {about['longhand_version']}, and this is {__version__}:"
            " pip install --upgrade longhand"
        )
    return about


def load_head(directory: Path, backbone: Backbone) -> RecursiveHead:
    """The head in a checkpoint on the backbone it was trained on, in evaluation mode.

    Raises `UserError`, one line, for what is missing or damaged, and for another backbone.
    """
    about = read_about(directory)
    check_backbone(about, backbone, directory)
    head = build_head(TrmConfig(**about["trm"]), backbone, seed=0)
    load_weights(directory, head)
    return head.eval()


def load_weights(directory: Path, model: nn.Module) -> None:
    """Put the weights of a checkpoint into a model; raises `UserError` if they belong to another."""
    weights = read_weights(Path(directory) / SAFETENSORS)
    check_shapes(weights, {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()})
    model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})


def read_state(directory: Path) -> RunState:
    """What a run needs to go on; raises `UserError` if the checkpoint has no such state, or it is damaged."""
    directory = Path(directory)
    if STATE_JSON not in listed_files(directory):
        raise UserError(f"{directory} is a model without a training state; resume from one that has it")
    check_files(directory, (STATE_JSON, STATE_TENSORS))
    numbers = json.loads((directory / STATE_JSON).read_text(encoding="utf-8"))
    return RunState(numbers, safetensors.torch.load((directory / STATE_TENSORS).read_bytes()))


def describe_backbone(backbone: Backbone) -> dict[str, Any]:
    """Which backbone this is, as JSON data: its sizes, and the SHA-256 of its weights."""
    return {
        "d_model": backbone.d_model,
        "vocab_size": backbone.vocab_size,
        "n_parameters": backbone.n_parameters,
        "rope_theta": backbone.rope_theta,
        "sha256": backbone.fingerprint(),
    }


def check_backbone(about: Mapping[str, Any], backbone: Backbone, directory: Path) -> None:
    """Raise `UserError` unless a checkpoint is of a head on this backbone."""
    saved = about.get("backbone")
    if saved is None:
        raise UserError(f"{directory} holds a model of its own, not a head on a backbone")
    found = describe_backbone(backbone)
    for key, value in saved.items():
        if found[key] != value:
            raise UserError(
                f"{directory} was trained on a backbone whose {key} is {value}, and this one's is {found[key]};"
                " give the backbone it was trained on"
            )


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    path.write_bytes(safetensors.torch.save(plain, metadata={"format": "pt"}))
