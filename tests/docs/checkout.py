"""Where documented commands are run: a folder that looks like a fresh checkout, without its runs and data."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def looks_like_a_checkout(folder: Path) -> None:
    """Put configurations, models and pages where the commands look for them."""
    for name in ("configs", "models", "docs"):
        (folder / name).symlink_to(ROOT / name)


def command_environment() -> dict[str, str]:
    """The environment in which `longhand` and `python` are those of this one, with one thread and its own cache."""
    scripts = str(Path(sys.executable).parent)
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "LONGHAND_CACHE": "cache"}
