"""A checkpoint becomes a version.

The number belongs to whoever creates its `manifest.json`; the other files follow, and `version.json` last: before that
there is no version. Every file is created and none is ever written over. So whoever pushes the same checkpoint may go
on where another stopped or still is, and whoever pushes another takes the next number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from longhand.errors import UserError
from longhand.registry.contents import Contents, damage, read_contents, reader
from longhand.registry.reference import check_name
from longhand.registry.store import Store
from longhand.registry.version import RECORD, DamagedError, VersionRecord, find_version, numbers, version_folder

_TRIES = 100


@dataclass(frozen=True)
class Pushed:
    """The version that holds a checkpoint, and whether this push made it."""

    version: VersionRecord
    is_new: bool


def push(store: Store, model: Path, name: str, *, note: str = "") -> Pushed:
    """Make a checkpoint, or the model of a run directory, the next version of `name`.

    A checkpoint that is a version already stays that one, unless its files in the store are damaged. Raises `UserError`
    if the checkpoint is damaged or no finished model, if the name cannot be one, and if the store cannot be written.
    """
    check_name(name)
    contents = read_contents(model)
    for _ in range(_TRIES):
        # Decided on one list of numbers: a push that is not in it yet has to begin with the number we try to take.
        taken = numbers(store, name)
        unfinished = []
        for number in taken:
            try:
                known = find_version(store, name, number)
            except DamagedError:
                continue
            if known is None:
                unfinished.append(number)
            elif known.sha256 == contents.sha256 and not any(damage(reader(store, known), known.sha256)):
                return Pushed(known, is_new=False)
        for number in (*unfinished, max(taken, default=0) + 1):
            pushed = _write(store, name, number, contents, note)
            if pushed is not None:
                return pushed
    raise UserError(f"others took {_TRIES} numbers of {name} while this was pushed; push again")


def _write(store: Store, name: str, number: int, contents: Contents, note: str) -> Pushed | None:
    """Write all files under a number, the record last; None if it belongs to another checkpoint."""
    folder = version_folder(name, number)
    record = VersionRecord(
        name=name,
        version=number,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256=contents.sha256,
        total_bytes=sum(len(content) for content in contents.files.values()),
        facts=contents.facts,
        note=note,
    )
    for file, content in contents.files.items():  # the manifest is the first
        if not _create_or_find(store, f"{folder}/{file}", content):
            return None
    try:
        store.create(f"{folder}/{RECORD}", record.to_json())
    except FileExistsError:
        # Somebody else pushed the same files.
        found = find_version(store, name, number)
        return None if found is None else Pushed(found, is_new=False)
    return Pushed(record, is_new=True)


def _create_or_find(store: Store, path: str, content: bytes) -> bool:
    """Whether a file now holds `content`, by us or by somebody else."""
    try:
        store.create(path, content)
    except FileExistsError:
        try:
            return store.read(path) == content
        except FileNotFoundError:  # S3 also refuses while somebody else is writing
            return False
    return True
