"""Whether a registry still holds what was pushed: everything is read, and every hash compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from longhand.errors import UserError
from longhand.registry.aliases import alias_names, read_alias
from longhand.registry.contents import damage, reader
from longhand.registry.reference import is_name
from longhand.registry.store import Store
from longhand.registry.version import (
    RECORD,
    DamagedError,
    VersionRecord,
    facts_of,
    find_version,
    numbers,
    read_version,
    require_name,
    version_folder,
)


@dataclass(frozen=True)
class Finding:
    """What was found of one version or alias; `problems` is empty if nothing is wrong with it."""

    subject: str
    problems: tuple[str, ...]
    remark: str = ""


def verify(store: Store, name: str | None = None, version: int | None = None) -> Iterator[Finding]:
    """Examine everything, or one model with its aliases, or one version.

    Raises `UserError` if what is named is not there.
    """
    if name is not None and version is not None:
        yield _examine(store, read_version(store, name, version))
        return
    if name is not None and name not in store.names(""):
        require_name(store, name)
    # Every folder, not only those with a version: an alias may be all that is left.
    for model in filter(is_name, store.names("")) if name is None else [name]:
        for number in numbers(store, model):
            yield _examine_number(store, model, number)
        for alias in alias_names(store, model):
            yield _examine_alias(store, model, alias)


def _examine_number(store: Store, name: str, number: int) -> Finding:
    try:
        record = find_version(store, name, number)
    except DamagedError as error:
        return Finding(f"{name}:{number}", (str(error),))
    if record is None:
        return Finding(f"{name}:{number}", (), "a push that was not finished; not a version")
    return _examine(store, record)


def _examine(store: Store, record: VersionRecord) -> Finding:
    files: dict[str, bytes] = {}
    problems = [*damage(reader(store, record), record.sha256, files)]
    if not problems:
        left_over = set(store.names(version_folder(record.name, record.version))) - files.keys() - {RECORD}
        problems += [f"{file} lies there and was not pushed" for file in sorted(left_over)]
        problems += _false_facts(record, files)
    return Finding(str(record), tuple(problems), f"{len(files)} files, {record.total_bytes:,} bytes")


def _false_facts(record: VersionRecord, files: dict[str, bytes]) -> Iterator[str]:
    """What the record says and the files do not."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        try:
            facts = facts_of(Path(folder))
        except UserError as error:
            yield f"it cannot be loaded: {str(error).replace(folder, str(record))}"
            return
    if record.total_bytes != sum(len(content) for content in files.values()):
        yield f"{RECORD} says {record.total_bytes:,} bytes, and the files have another size"
    for key, found in facts:
        if found != getattr(record.facts, key):
            yield f"{RECORD} says something else of its {key} than the files"


def _examine_alias(store: Store, name: str, alias: str) -> Finding:
    subject = f"{name}@{alias}"
    try:
        found = read_alias(store, name, alias)
        record = find_version(store, name, found.version)
    except DamagedError as error:
        return Finding(subject, (str(error),))
    if record is None:
        return Finding(subject, (f"it names version {found.version}, which is not there",))
    if record.sha256 != found.sha256:
        return Finding(subject, (f"version {found.version} has another SHA-256 than was promoted",))
    return Finding(subject, (), f"names version {found.version}")
