"""What is wrong with a configuration, in one line that names the key, where it stands, and the remedy."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from longhand.errors import UserError

Config = TypeVar("Config", bound=BaseModel)


def validated(schema: type[Config], values: Mapping[str, Any], where: str) -> Config:
    """Build `schema` from plain data; raises `UserError` naming `where` for the first key that is not right."""
    refuse_unknown_keys(schema, values, where)
    try:
        return schema.model_validate(dict(values))
    except ValidationError as error:
        raise UserError(f"{where}: {_first_problem(error)}") from None


def refuse_unknown_keys(schema: type[BaseModel], values: Mapping[str, Any], where: str, prefix: str = "") -> None:
    """Raise `UserError` for the first key no section has, with the nearest one that exists."""
    for key, value in values.items():
        dotted = f"{prefix}{key}"
        if key not in schema.model_fields:
            raise UserError(f"{where}: unknown key {dotted}; {_suggestion(schema, str(key), prefix)}")
        section = section_of(schema, key)
        if section is not None and isinstance(value, Mapping):
            refuse_unknown_keys(section, value, where, f"{dotted}.")


def section_of(schema: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The schema of a key that is a section of its own, else None."""
    for kind in _kinds(schema.model_fields[key].annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def dotted_keys(schema: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of a configuration that is no section, as `section.key`."""
    for key in schema.model_fields:
        section = section_of(schema, key)
        if section is None:
            yield f"{prefix}{key}"
        else:
            yield from dotted_keys(section, f"{prefix}{key}.")


def _suggestion(schema: type[BaseModel], key: str, prefix: str) -> str:
    close = get_close_matches(key, schema.model_fields, n=1)
    if close:
        return f"did you mean {prefix}{close[0]}?"
    known = ", ".join(schema.model_fields)
    return f"{prefix.rstrip('.') or 'a configuration'} has {known}"


def _kinds(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, UserError):
        return str(cause)
    # Members of a union appear in the place as `int`, `float`: keep the keys only.
    place = ".".join(str(part) for part in problem["loc"] if not _is_union_member(part))
    return f"{place} is {problem['input']!r}; {problem['msg'][:1].lower()}{problem['msg'][1:]}"


def _is_union_member(part: int | str) -> bool:
    return part in ("int", "float", "str", "none") or (isinstance(part, str) and "[" in part)
