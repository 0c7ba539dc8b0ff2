"""Values from the command line, put into a configuration by their dotted keys."""

from __future__ import annotations

import types
from collections.abc import Mapping
from copy import deepcopy
from difflib import get_close_matches
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel

from longhand.errors import UserError
from longhand.training.config_errors import dotted_keys, section_of


def apply_overrides(schema: type[BaseModel], values: Mapping[str, Any], overrides: Mapping[str, str]) -> dict[str, Any]:
    """Return `values` with each dotted key set to what its text says, read as the key's type wants it.

    Lists may be written `+,-` or `[+, -]`, mappings as `{uniform: 0.5, cascade: 0.5}`, nothing as `null`. Raises
    `UserError` for a key that does not exist.
    """
    result = deepcopy(dict(values))
    for dotted, text in overrides.items():
        _set(schema, result, dotted, text)
    return result


def _set(schema: type[BaseModel], values: dict[str, Any], dotted: str, text: str) -> None:
    *sections, last = dotted.split(".")
    current, place = schema, values
    for name in sections:
        section = section_of(current, name) if name in current.model_fields else None
        if section is None:
            # A mapping such as data.mixture has keys of its own, which its validator knows.
            if name in current.model_fields and name == sections[-1] and _is_mapping(current, name):
                place = _section_values(place, name)
                place[last] = _plain(text)
                return
            raise UserError(_unknown(schema, dotted))
        current, place = section, _section_values(place, name)
    if last not in current.model_fields:
        raise UserError(_unknown(schema, dotted))
    section = section_of(current, last)
    if section is not None and text not in ("null", "none", "None"):
        place[last] = _plain(text)
        if not isinstance(place[last], dict):
            keys = ", ".join(f"{dotted}.{key}" for key in section.model_fields)
            raise UserError(f"--{dotted} is a section; set its keys: {keys}")
        return
    place[last] = _parse(current.model_fields[last].annotation, text)


def _section_values(place: dict[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(place.get(name), dict):
        place[name] = {}
    inner: dict[str, Any] = place[name]
    return inner


def _parse(annotation: Any, text: str) -> Any:
    kinds = _kinds(annotation)
    if type(None) in kinds and text in ("null", "none", "None"):
        return None
    origins = {get_origin(kind) or kind for kind in kinds} - {type(None)}
    if origins & {tuple, list} and not text.startswith("["):
        # Not YAML: a bare - would begin a list there.
        return [part for part in text.replace(",", " ").split() if part]
    if origins & {tuple, list}:
        return [part.strip(" '\"") for part in text.strip("[] ").split(",")]
    if origins <= {str, Literal}:
        return text
    return _plain(text)


def _plain(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _kinds(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def _is_mapping(schema: type[BaseModel], name: str) -> bool:
    return any(get_origin(kind) is dict for kind in _kinds(schema.model_fields[name].annotation))


def _unknown(schema: type[BaseModel], dotted: str) -> str:
    known = list(dotted_keys(schema))
    close = get_close_matches(dotted, known, n=1) or [k for k in known if k.split(".")[-1] == dotted.split(".")[-1]]
    remedy = f"did you mean --{close[0]}?" if close else "longhand train --keys lists them all"
    return f"unknown key --{dotted}; {remedy}"
