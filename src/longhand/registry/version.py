"""What a registry says about a version: `NAME/versions/N/version.json`, written last, which makes it one.

Beside it lie the files of the checkpoint as they were pushed, its `manifest.json` among them::

    add/versions/1/manifest.json        size and SHA-256 of every file, as the checkpoint has it
    add/versions/1/model.safetensors    …
    add/versions/1/version.json         SHA-256 of the manifest, and what there is to know of the model
    add/aliases/production.json         which version this alias names, and all it has named

A version is that checkpoint directory, byte for byte; the SHA-256 of its manifest is its identity.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longhand.errors import UserError
from longhand.registry.reference import is_name, version_number
from longhand.registry.store import Store
from longhand.runs.checkpoint import load_checkpoint

RECORD = "version.json"

SHA256 = r"^[0-9a-f]{64}$"


class DamagedError(UserError):
    """Something in a registry is not as it was written; nothing of it is used."""


class Proof(BaseModel):
    """What a certificate proves, in short; the file itself lies beside the weights."""

    model_config = ConfigDict(frozen=True)

    kind: str
    claim: str


class Facts(BaseModel):
    """What a checkpoint's own files say of the model, in short."""

    model_config = ConfigDict(frozen=True)

    architecture: str
    parameters: int
    metrics: dict[str, Any]
    certificate: Proof | None
    commit: str | None = Field(description="the commit of the program that trained it")


class VersionRecord(BaseModel):
    """One version: `created` is UTC in ISO 8601, `total_bytes` that of all files, `sha256` that of `manifest.json`."""

    model_config = ConfigDict(frozen=True)

    format: Literal["longhand-version"] = "longhand-version"
    format_version: Literal[1] = 1
    name: str
    version: int
    created: str
    sha256: str = Field(pattern=SHA256)
    total_bytes: int
    facts: Facts
    note: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"

    def to_json(self) -> bytes:
        """The content of `version.json`."""
        return json_bytes(self.model_dump(mode="json"))


def json_bytes(value: Any) -> bytes:
    """Indented JSON as a file of the registry."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode(errors="replace")


def facts_of(directory: Path) -> Facts:
    """Read the facts off a checkpoint directory; raises `UserError` if it cannot be loaded."""
    checkpoint = load_checkpoint(directory)
    proof = checkpoint.certificate
    return Facts(
        architecture=str(checkpoint.model.get("name", "decoder")),
        parameters=checkpoint.num_parameters,
        metrics=_short(checkpoint.metrics),
        certificate=None if proof is None else Proof(kind=str(proof.content["kind"]), claim=proof.claim),
        commit=checkpoint.training.get("commit"),
    )


def version_folder(name: str, version: int) -> str:
    """The path of a version in its store."""
    return f"{name}/versions/{version}"


def read_version(store: Store, name: str, version: int) -> VersionRecord:
    """The record of a version; raises `UserError` if there is none, and `DamagedError` if it is no record of it."""
    record = find_version(store, name, version)
    if record is None:
        require_name(store, name)
        there = ", ".join(str(number) for number in numbers(store, name) if _is_finished(store, name, number))
        raise UserError(f"{name} has no version {version} in the registry {store.root} (it has {there})")
    return record


def find_version(store: Store, name: str, version: int) -> VersionRecord | None:
    """The record of a version, None if it is not there or its push never ended; raises `DamagedError` as above."""
    path = f"{version_folder(name, version)}/{RECORD}"
    try:
        record = VersionRecord.model_validate_json(store.read(path))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise DamagedError(
            f"{name}:{version}: {store.root}/{path} is no record of a version: {_first(error)}"
        ) from error
    if (record.name, record.version) != (name, version):
        raise DamagedError(f"{name}:{version}: {store.root}/{path} is the record of {record}")
    return record


def numbers(store: Store, name: str) -> list[int]:
    """The numbers that are taken, in order, those of unfinished pushes among them."""
    found = (version_number(folder) for folder in store.names(f"{name}/versions"))
    return sorted(number for number in found if number is not None)


def versions(store: Store, name: str) -> Iterator[VersionRecord | DamagedError]:
    """All versions of a model by number; in the place of a damaged record comes the error that reading it raises."""
    for number in numbers(store, name):
        try:
            record = find_version(store, name, number)
        except DamagedError as error:
            yield error
        else:
            if record is not None:
                yield record


def model_names(store: Store) -> list[str]:
    """The names of all models that have a version, sorted."""
    return [name for name in store.names("") if is_name(name) and _has_version(store, name)]


def require_name(store: Store, name: str) -> None:
    """Raise `UserError` with the names there are if the registry has no version of this model."""
    if not _has_version(store, name):
        known = ", ".join(model_names(store)) or "none"
        raise UserError(
            f"no model {name} in the registry {store.root} (there: {known});"
            f" push one: longhand registry push MODEL --name {name}"
        )


def _has_version(store: Store, name: str) -> bool:
    return any(_is_finished(store, name, number) for number in reversed(numbers(store, name)))


def _is_finished(store: Store, name: str, number: int) -> bool:
    return RECORD in store.names(version_folder(name, number))


def _short(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and words, and those of the sections one level down."""
    sections = {key: value for key, value in metrics.items() if isinstance(value, Mapping)}
    return _plain(metrics) | {key: found for key, section in sections.items() if (found := _plain(section))}


def _plain(section: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in section.items()
        if isinstance(value, int | str) or (isinstance(value, float) and isfinite(value))
    }


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False)[0]
    return ": ".join([*(str(part) for part in found["loc"]), found["msg"]])
