"""Weights as one `.npz` file, which NumPy alone reads."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.atomic import replacing_file
from longhand.errors import UserError


def save_npz(path: Path, weights: Mapping[str, NDArray[Any]]) -> None:
    """Write weights by name, whole or not at all; raises `UserError` where the file cannot be written."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **weights)
    with replacing_file(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def load_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Read what `save_npz` wrote; raises `UserError` for a file that is missing or damaged, or holds objects."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise UserError(f"no weights at {path}") from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is no .npz file of weights ({str(error).splitlines()[0]})") from error
