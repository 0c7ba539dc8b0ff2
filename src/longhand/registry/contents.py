"""The files of a version: read from a checkpoint to be pushed, and from a store with every hash compared."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longhand.errors import UserError
from longhand.registry.store import Store
from longhand.registry.version import RECORD, DamagedError, Facts, VersionRecord, facts_of, version_folder
from longhand.runs.checkpoint import TRAINING_STATE, find_checkpoint
from longhand.runs.manifest import MANIFEST, check_files, parse_manifest

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
"""A file directly in the folder: no separator, drive, `..`, hidden file, or sign that some file system reads."""

Read = Callable[[str], bytes]
"""The bytes of a file of a version by name; raises `FileNotFoundError` if there is none."""


@dataclass(frozen=True)
class Contents:
    """A checkpoint in memory: every file by name, the manifest first, and what they say of the model."""

    files: dict[str, bytes]
    facts: Facts

    @property
    def sha256(self) -> str:
        """The SHA-256 of the manifest, and so of everything it lists."""
        return sha256(self.files[MANIFEST])


def sha256(content: bytes) -> str:
    """The SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def listed(manifest: bytes) -> dict[str, Any]:
    """Size and SHA-256 by file name; raises `ValueError` if a name could lead out of its folder, or is one of ours."""
    try:
        entries = parse_manifest(manifest)
    except ValueError as error:
        raise ValueError("is no manifest of a checkpoint") from error
    for name in entries:
        if not _PLAIN.fullmatch(name) or name in (MANIFEST, RECORD):
            raise ValueError(f"lists {name!r}, which is no plain name of a file")
    return entries


def read_contents(model: Path) -> Contents:
    """Read the checkpoint at `model`, or the model of a run directory, whole.

    Raises `UserError` if it is damaged or cannot be loaded, for a state that a run goes on from, for a file of weights
    without its directory, and for file names that no registry takes.
    """
    if model.is_file():
        raise UserError(f"{model} is a file; push the checkpoint directory it belongs to")
    directory = find_checkpoint(model)
    if (directory / TRAINING_STATE).exists():
        raise UserError(f"{directory} is a state of a run; push the model the run ends with")
    check_files(directory)
    facts = facts_of(directory)
    try:
        manifest = (directory / MANIFEST).read_bytes()
        files = {name: (directory / name).read_bytes() for name in listed(manifest)}
        for name, entry in listed(manifest).items():
            if sha256(files[name]) != entry["sha256"]:
                raise UserError(f"{directory / name} changes while it is read; push when it is finished")
    except OSError as error:
        raise UserError(f"cannot read {directory}: {error.strerror or error}") from error
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{directory / MANIFEST} {error}") from error
    return Contents({MANIFEST: manifest, **files}, facts)


def read_version_files(store: Store, record: VersionRecord) -> dict[str, bytes]:
    """All files of a version, the manifest among them; raises `DamagedError` naming the first that is not as pushed."""
    files: dict[str, bytes] = {}
    for wrong in damage(reader(store, record), record.sha256, files):
        raise DamagedError(f"{record} in the registry {store.root} is damaged and not used: {wrong}")
    return files


def reader(store: Store, record: VersionRecord) -> Read:
    """Read the files of a version by name."""
    folder = version_folder(record.name, record.version)
    return lambda name: store.read(f"{folder}/{name}")


def damage(read: Read, digest: str, files: dict[str, bytes] | None = None) -> Iterator[str]:
    """Read every file of a version and yield, in words, what is not as it was pushed; fill `files` with what is.

    `digest` is the SHA-256 of the manifest it was pushed with, which says what all other files have to be.
    """
    sound: dict[str, bytes] = {} if files is None else files
    manifest = _find(read, MANIFEST)
    if manifest is None:
        yield f"{MANIFEST} is missing"
        return
    if sha256(manifest) != digest:
        yield f"{MANIFEST} has SHA-256 {sha256(manifest)}, and was pushed with {digest}"
        return
    try:
        entries = listed(manifest)
    except ValueError as error:
        yield f"{MANIFEST} {error}"
        return
    sound[MANIFEST] = manifest
    for name, entry in sorted(entries.items()):
        content = _find(read, name)
        if content is None:
            yield f"{name} is missing"
        elif len(content) != entry["bytes"]:
            yield f"{name} has {len(content):,} bytes, and was pushed with {entry['bytes']:,}"
        elif sha256(content) != entry["sha256"]:
            yield f"{name} has SHA-256 {sha256(content)}, and was pushed with {entry['sha256']}"
        else:
            sound[name] = content


def _find(read: Read, name: str) -> bytes | None:
    try:
        return read(name)
    except FileNotFoundError:
        return None
