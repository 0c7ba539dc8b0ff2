"""Where a model comes from: program, versions and machine, for its checkpoint."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

from longhand.version import __version__

_PACKAGE = Path(__file__).resolve().parents[1]


def versions() -> dict[str, str]:
    """The versions that can change a number; torch is among them where it computes."""
    return {
        "longhand": __version__,
        "python": platform.python_version(),
        **({"torch": sys.modules["torch"].__version__} if "torch" in sys.modules else {}),
        "numpy": np.__version__,
    }


def source_commit() -> str | None:
    """The git commit this program was run from, with `+changes` if files differ from it; None if installed."""
    # The package may be installed inside somebody else's repository: it has to be tracked by the one that answers.
    if _git("ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    commit = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".")
    return f"{commit}+changes" if commit and changed else commit


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(_PACKAGE), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
