"""Which version is in use: an alias names one, remembers all it has named, and can be put back.

`NAME/aliases/ALIAS.json` is the only kind of file in a registry that changes. It is only ever exchanged for one that
continues it, so that of two changes at once neither is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from longhand.errors import UserError
from longhand.registry.contents import read_version_files
from longhand.registry.reference import PRODUCTION, Reference, check_alias, check_name, is_alias, parse_reference
from longhand.registry.store import Store
from longhand.registry.version import SHA256, DamagedError, json_bytes, read_version, require_name

_TRIES = 100


class Change(BaseModel):
    """That an alias came to name a version; `at` is UTC in ISO 8601, `previous` the version it named until then."""

    model_config = ConfigDict(frozen=True)

    action: Literal["promote", "rollback"]
    version: int
    sha256: str = Field(pattern=SHA256)
    previous: int | None
    at: str


class Alias(BaseModel):
    """The version an alias names, and its history, newest last."""

    model_config = ConfigDict(frozen=True)

    format: Literal["longhand-alias"] = "longhand-alias"
    format_version: Literal[1] = 1
    name: str
    alias: str
    version: int
    sha256: str = Field(pattern=SHA256)
    history: tuple[Change, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ends_where_it_stands(self) -> Self:
        if (self.version, self.sha256) != (self.history[-1].version, self.history[-1].sha256):
            raise ValueError("it names another version than its history ends with")
        return self

    def to_json(self) -> bytes:
        """The content of `ALIAS.json`."""
        return json_bytes(self.model_dump(mode="json"))


@dataclass(frozen=True, slots=True)
class Target:
    """A version that was found: its number, and the SHA-256 of its manifest."""

    name: str
    version: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


def resolve(store: Store, reference: Reference | str) -> Target:
    """The version that `NAME@ALIAS` names now, or `NAME:VERSION`; one small file is read, so it may be asked often.

    Raises `UserError` if there is no such version or alias, and `DamagedError` if what says so is damaged.
    """
    wanted = parse_reference(reference) if isinstance(reference, str) else reference
    if wanted.alias is not None:
        alias = read_alias(store, wanted.name, wanted.alias)
        return Target(alias.name, alias.version, alias.sha256)
    if wanted.version is None:
        raise UserError(f"{wanted} names no version; write {wanted}@{PRODUCTION} or {wanted}:1")
    record = read_version(store, wanted.name, wanted.version)
    return Target(record.name, record.version, record.sha256)


def promote(store: Store, name: str, version: int, alias: str = PRODUCTION) -> Alias:
    """Let an alias name a version; nothing changes if it already does.

    Raises `UserError` if there is no such version, and `DamagedError` if a file of it is damaged.
    """
    return _change(store, name, alias, version)


def rollback(store: Store, name: str, alias: str = PRODUCTION) -> Alias:
    """Let an alias name what it named before its last change; done twice, all is as it was.

    Raises `UserError` if there is no such alias, or nothing before, and `DamagedError` if that version is damaged.
    """
    return _change(store, name, alias, None)


def read_alias(store: Store, name: str, alias: str) -> Alias:
    """What there is to know of an alias; raises `UserError` if there is none, `DamagedError` if it is damaged."""
    content = _read(store, name, alias)
    if content is None:
        require_name(store, name)
        there = ", ".join(alias_names(store, name)) or "none"
        raise UserError(
            f"{name} has no alias {alias} in the registry {store.root} (there: {there});"
            f" set it: longhand registry promote {name}:VERSION --alias {alias}"
        )
    return _parse(store, name, alias, content)


def alias_names(store: Store, name: str) -> list[str]:
    """The aliases of a model, sorted."""
    found = (file.removesuffix(".json") for file in store.names(f"{name}/aliases") if file.endswith(".json"))
    return sorted(alias for alias in found if is_alias(alias))


def _change(store: Store, name: str, alias: str, version: int | None) -> Alias:
    check_name(name)
    check_alias(alias)
    for _ in range(_TRIES):
        content = _read(store, name, alias)
        current = None if content is None else _parse(store, name, alias, content)
        target = _previous(store, name, alias, current) if version is None else version
        if current is not None and current.version == target:
            return current
        record = read_version(store, name, target)
        history = () if current is None else current.history
        if any(change.version == target and change.sha256 != record.sha256 for change in history):
            raise DamagedError(f"{record} in the registry {store.root} is not what {name}@{alias} named before")
        read_version_files(store, record)
        change = Change(
            action="rollback" if version is None else "promote",
            version=record.version,
            sha256=record.sha256,
            previous=None if current is None else current.version,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        changed = Alias(
            name=name, alias=alias, version=record.version, sha256=record.sha256, history=(*history, change)
        )
        if store.swap(_path(name, alias), content, changed.to_json()):
            return changed
        if version is None:
            # What to go back to depends on what somebody else has just done: that is not for us to guess.
            raise UserError(f"{name}@{alias} was changed by somebody else; look at it: longhand registry show {name}")
    raise UserError(f"{name}@{alias} was changed by others {_TRIES} times while it was to be changed; try again")


def _previous(store: Store, name: str, alias: str, current: Alias | None) -> int:
    last = (current or read_alias(store, name, alias)).history[-1]
    if last.previous is None:
        raise UserError(f"{name}@{alias} has named no version but {last.version}, so there is nothing to go back to")
    return last.previous


def _path(name: str, alias: str) -> str:
    return f"{name}/aliases/{alias}.json"


def _read(store: Store, name: str, alias: str) -> bytes | None:
    try:
        return store.read(_path(name, alias))
    except FileNotFoundError:
        return None


def _parse(store: Store, name: str, alias: str, content: bytes) -> Alias:
    place = f"{name}@{alias}: {store.root}/{_path(name, alias)}"
    try:
        found = Alias.model_validate_json(content)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise DamagedError(f"{place} is damaged ({reason}); remove that file and promote again") from error
    if (found.name, found.alias) != (name, alias):
        raise DamagedError(f"{place} is that of {found.name}@{found.alias}; remove it and promote again")
    return found
