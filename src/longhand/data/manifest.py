"""manifest.json: how a data set was made, and the hash of every file of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longhand.atomic import write_json
from longhand.errors import UserError

MANIFEST = "manifest.json"


class FileEntry(BaseModel):
    """One file of a data set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int = Field(description="rows, without a header (count)")
    bytes: int = Field(description="size (bytes)")
    sha256: str = Field(description="SHA-256 of its content (hexadecimal)")


class Manifest(BaseModel):
    """What a folder of data says of itself; the same options and version give the same bytes again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int = Field(1, description="version of this file's layout")
    longhand_version: str = Field(description="version of the program that made the data")
    profile: str = Field(description="the profile it was made with")
    options: dict[str, Any] = Field(description="every option of the profile")
    seed: int | None = Field(description="seed of all randomness")
    shape: str = Field(description="csv, jsonl, json or txt")
    format: dict[str, Any] = Field(description="how problems are written")
    files: dict[str, FileEntry] = Field(description="each file with its rows, bytes and hash")
    leaks: dict[str, dict[str, int]] = Field(description="rows of each held-out split that training rows give away")
    warnings: list[str] = Field(description="what the maker of the data should know")


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write a manifest into its folder."""
    write_json(directory / MANIFEST, manifest.model_dump(mode="json"))


def read_manifest(directory: Path) -> Manifest | None:
    """The manifest of a folder, or None if it has none, or one that another program wrote.

    Raises `UserError` for a manifest of ours that cannot be read.
    """
    path = directory / MANIFEST
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict) or "longhand_version" not in content:
            return None
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON: {error}; remove it to read the files without it") from error


def describe_file(path: Path, rows: int) -> FileEntry:
    """The entry of a file that was just written."""
    return FileEntry(rows=rows, bytes=path.stat().st_size, sha256=sha256_of(path))


def changed_files(directory: Path, manifest: Manifest) -> list[str]:
    """Files that are missing or no longer have the hash the manifest gives."""
    return [
        name
        for name, entry in manifest.files.items()
        if not (directory / name).is_file() or sha256_of(directory / name) != entry.sha256
    ]


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
