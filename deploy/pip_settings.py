"""How pip is set up here, as variables for a pip in another root: indexes, proxies, certificates, folders of wheels."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.chroot import OUTSIDE

SETTINGS = (
    *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy"),
    *("cert", "default-timeout", "timeout", "retries"),
)
# As an engine does, which hands these of its caller to every step and keeps them out of the image.
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")


def settings_here() -> tuple[dict[str, str], list[Path]]:
    """The variables, and the folders and files of this machine that they name, in the order of their numbers."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    found: dict[str, str] = {}
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):  # the environment comes last
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in SETTINGS and key.startswith(("global.", "install.", ":env:")):
            found[f"PIP_{name.upper().replace('-', '_')}"] = str(ast.literal_eval(value))
    outside: list[Path] = []
    moved = {name: " ".join(_inside(word, outside) for word in value.split()) for name, value in found.items()}
    proxies = [name for lower in PROXIES for name in (lower, lower.upper())]
    return moved | {name: os.environ[name] for name in proxies if name in os.environ}, outside


def _inside(word: str, outside: list[Path]) -> str:
    """A word of a setting as it has to be in the other root; what it names of this machine goes to `outside`."""
    if word.startswith("file://"):
        path = Path(unquote(urlsplit(word).path))
        return f"file://{_place(path.parent, outside)}/{path.name}"  # pages of an index point beside it
    path = Path(word)
    return _place(path, outside) if path.is_absolute() and path.exists() else word


def _place(path: Path, outside: list[Path]) -> str:
    if path not in outside:
        outside.append(path)
    return f"{OUTSIDE}/{outside.index(path)}"
