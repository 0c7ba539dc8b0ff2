"""What a bundle consists of, and whether it still does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from longhand.errors import UserError
from longhand.runs.manifest import file_sha256, parse_manifest
from longhand.version import __version__

MANIFEST = "manifest.json"
MADE_BY = "longhand olympiad pack"


def write_bundle_manifest(folder: Path) -> None:
    """Write size and SHA-256 of every file below `folder`, by relative path, and who made it."""
    entries = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": file_sha256(folder / name)}
        for name in files_in(folder)
    }
    text = json.dumps({"made_by": MADE_BY, "longhand": __version__, "files": entries}, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")


def files_in(folder: Path) -> list[str]:
    """Every file below a folder but its manifest, by relative path with slashes, in the order of their names."""
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return sorted(name for name in paths if name != MANIFEST)


def is_bundle(content: bytes) -> bool:
    """Whether a manifest says that we made what it belongs to."""
    try:
        return bool(json.loads(content)["made_by"] == MADE_BY)
    except (ValueError, KeyError, TypeError):
        return False


def verify(folder: Path, *, whole: bool = True) -> dict[str, Any]:
    """Compare every file of a bundle with its manifest; returns size and SHA-256 by name.

    Raises `UserError` naming the first file that is missing (unless `whole` is false), changed, or not listed, and for
    a folder that is no bundle.
    """
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise UserError(f"{folder} is no bundle: it has no {MANIFEST} that can be read") from error
    if not is_bundle(content):
        raise UserError(f"{folder} is no bundle: its {MANIFEST} was not made by {MADE_BY}")
    try:
        entries = parse_manifest(content)
    except ValueError as error:
        raise UserError(f"{folder / MANIFEST} is damaged; pack again") from error
    there = set(files_in(folder))
    missing = sorted(entries.keys() - there)
    if missing and whole:
        raise UserError(f"{folder / missing[0]} is missing; pack again")
    foreign = sorted(there - entries.keys())
    if foreign:
        raise UserError(f"{folder / foreign[0]} is not part of the bundle; move it elsewhere")
    for name in sorted(entries.keys() & there):
        path, entry = folder / name, entries[name]
        if path.stat().st_size != entry["bytes"] or file_sha256(path) != entry["sha256"]:
            raise UserError(f"{path} was changed after it was packed; move it elsewhere and pack again")
    return entries
