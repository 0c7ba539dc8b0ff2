"""Which files a checkpoint consists of, and whether they are still as they were written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from longhand.errors import UserError

MANIFEST = "manifest.json"


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(directory: Path) -> None:
    """Write `manifest.json`: size in bytes and SHA-256 of every file below `directory`, by relative path."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    entries = {
        path.relative_to(directory).as_posix(): {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in files
    }
    text = json.dumps({"files": entries}, indent=2) + "\n"
    (directory / MANIFEST).write_text(text, encoding="utf-8", newline="\n")


def check_files(directory: Path, names: Iterable[str] | None = None) -> None:
    """Compare files (by default all) with the manifest; files it does not list are nobody's concern.

    Raises `UserError` naming the first file that is missing, truncated or changed.
    """
    entries = _read_entries(directory)
    for name in sorted(entries) if names is None else names:
        entry = entries.get(name)
        if entry is None:
            raise UserError(f"{directory}: {MANIFEST} does not list {name}; the checkpoint is incomplete")
        path = directory / name
        if not path.is_file():
            raise UserError(f"{directory}: {name} is missing; copy the whole directory again")
        size = path.stat().st_size
        if size < entry["bytes"]:
            raise UserError(
                f"{path} is truncated: {size:,} of {entry['bytes']:,} bytes; copy the whole directory again"
            )
        if size != entry["bytes"] or file_sha256(path) != entry["sha256"]:
            raise UserError(
                f"{path} was changed after it was written (its SHA-256 is not the one in {MANIFEST});"
                " restore the original"
            )


def listed_files(directory: Path) -> list[str]:
    """The relative paths a checkpoint's manifest lists; raises `UserError` if it cannot be read."""
    return sorted(_read_entries(directory))


def parse_manifest(content: bytes) -> dict[str, Any]:
    """Size in bytes and SHA-256 of every file a `manifest.json` lists; raises `ValueError` if it is not one."""
    try:
        entries = json.loads(content)["files"]
        return {name: {"bytes": int(e["bytes"]), "sha256": str(e["sha256"])} for name, e in entries.items()}
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("no manifest of a checkpoint") from error


def _read_entries(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST
    try:
        return parse_manifest(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(f"{directory} is not a longhand checkpoint: it has no {MANIFEST}") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"{path} is damaged; copy the whole directory again") from error
