"""A whole run as one value: its model, data, format, vocabulary, training, runtime and tracking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from longhand.data.config import DataConfig
from longhand.errors import UserError
from longhand.models.config import ModelConfig
from longhand.text.formats import Format
from longhand.training.config import RuntimeConfig, TrainingConfig
from longhand.training.config_errors import section_of, validated
from longhand.training.format_config import FormatConfig
from longhand.training.overrides import apply_overrides
from longhand.training.tracking_config import TrackingConfig
from longhand.training.two_sections import completed


class RunConfig(BaseModel):
    """Everything that decides what a run does; the same from YAML, from the command line and from Python."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vocabulary: str = Field(
        "unified", description="a preset (see `longhand vocab list`); chars is built from the files"
    )
    format: FormatConfig = Field(default_factory=FormatConfig, description="how problems are written")
    data: DataConfig = Field(default_factory=DataConfig, description="what is trained on")
    model: ModelConfig = Field(default_factory=ModelConfig, description="what is trained")
    training: TrainingConfig = Field(default_factory=TrainingConfig, description="how it is trained")
    runtime: RuntimeConfig = Field(default_factory=RuntimeConfig, description="where it is trained")
    tracking: TrackingConfig = Field(default_factory=TrackingConfig, description="who is told of its metrics")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "configuration") -> RunConfig:
        """Read plain data; raises `UserError` naming `where`, the key and the nearest key that exists."""
        return validated(cls, values, where)

    def to_dict(self) -> dict[str, Any]:
        """The configuration with every default filled in, as JSON data; `from_dict` reads it back."""
        return self.model_dump(mode="json")

    def to_format(self) -> Format:
        """The format as a value of the text package, evaluated as the domain says."""
        domain = self.data.domain
        return self.format.to_format() if domain is None else self.format.to_format(domain.semantics, domain.division)


def load_run_config(path: Path, overrides: Mapping[str, str] | None = None) -> RunConfig:
    """Read a YAML file, then set dotted keys (`training.max_steps`) to values given as text.

    Raises `UserError`, one line with the file and the key, for a file that cannot be read, unknown, misspelt or
    repeated keys, and values that are not possible.
    """
    values = _read_yaml(path)
    if overrides:
        # First the file alone, so that its mistakes are not blamed on the command line.
        validated(RunConfig, values, str(path))
        values = apply_overrides(RunConfig, completed(values, overrides), overrides)
        return validated(RunConfig, values, f"{path} with {_spelled(overrides)}")
    return validated(RunConfig, values, str(path))


def dump_run_config(config: RunConfig) -> str:
    """The resolved configuration as YAML; `load_run_config` reads it back to the same value."""
    return yaml.safe_dump(config.to_dict(), sort_keys=False, default_flow_style=None, width=110)


def describe_keys(schema: type[BaseModel]) -> str:
    """One line per key: its dotted name, what it is in which unit, and its default."""
    lines = list(_key_lines(schema, ""))
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in lines)


def _key_lines(schema: type[BaseModel], prefix: str) -> Iterator[tuple[str, str]]:
    for key, field in schema.model_fields.items():
        section = section_of(schema, key)
        if section is not None:
            yield from _key_lines(section, f"{prefix}{key}.")
            continue
        default = field.get_default(call_default_factory=True)
        shown = "" if default is None else f" [{_compact(default)}]"
        yield f"{prefix}{key}", f"{field.description}{shown}"


def _compact(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_compact(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_compact(inner) for inner in value) + "]"
    return str(value)


def _spelled(overrides: Mapping[str, str]) -> str:
    return " ".join(f"--{key} {value}" for key, value in overrides.items())


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"no configuration at {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    try:
        values = yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
        raise UserError(f"{path}{line}: {error.problem or 'not YAML'}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {str(error).splitlines()[0]}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UserError(f"{path} holds no sections; a configuration is a mapping such as model: {{d_model: 64}}")
    return values


class _Loader(yaml.SafeLoader):
    """YAML without silent losses: a key given twice is an error, not the last of the two."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key} is given twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)
