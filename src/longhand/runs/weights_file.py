"""Weights as one file: safetensors, or what torch saves."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from longhand.atomic import replacing_file
from longhand.errors import UserError
from longhand.runtime import torch_is_installed

SAFETENSORS, TORCH = "model.safetensors", "pytorch_model.bin"

WRAPPERS = ("model_state_dict", "state_dict")
"""Keys under which training programs put the state dict in a file of torch; it may also be the file itself."""

Weights = Mapping[str, NDArray[Any]]


def find_weights(directory: Path) -> Path:
    """The weights in a checkpoint directory, safetensors if there are both; raises `UserError` if there are none."""
    for name in (SAFETENSORS, TORCH):
        if (directory / name).is_file():
            return directory / name
    raise UserError(f"no {SAFETENSORS} or {TORCH} found in {directory}; copy the whole directory again")


def read_weights(path: Path) -> Weights:
    """The weights in a file by name; what ends in `.safetensors` is read as such, all else as a file of torch.

    No code in a file is ever run. Raises `UserError` for a file that is damaged or holds something else.
    """
    if path.suffix != ".safetensors":
        return _read_torch(path)
    try:
        return safetensors.numpy.load(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except (SafetensorError, KeyError) as error:
        raise UserError(f"{path} is damaged ({error}); copy the directory again") from error


def write_torch_weights(path: Path, weights: Weights) -> None:
    """Write weights as a bare state dict of torch, whole or not at all; raises `UserError` where torch is missing."""
    _require_torch(path)
    import torch

    buffer = io.BytesIO()
    torch.save({name: torch.from_numpy(array.copy()) for name, array in weights.items()}, buffer)
    with replacing_file(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def _read_torch(path: Path) -> Weights:
    _require_torch(path)
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(f"{path} holds more than weights, or is damaged; save its state dict alone") from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise UserError(f"{path} is damaged ({str(error).splitlines()[0]}); copy it again") from error
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            break
    if not isinstance(content, dict) or not content or not all(isinstance(w, torch.Tensor) for w in content.values()):
        raise UserError(f"{path} holds no state dict, neither bare nor under {' or '.join(WRAPPERS)}")
    return {name: weight.detach().float().numpy() for name, weight in content.items()}


def _require_torch(path: Path) -> None:
    if not torch_is_installed():
        raise UserError(
            f"{path.name} is a file of torch, which is not installed: pip install torch; or use {SAFETENSORS}"
        )
