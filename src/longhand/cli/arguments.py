"""Options of the command line: one help format, and flags generated from configuration classes."""

from __future__ import annotations

import argparse
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from longhand.errors import UserError


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help that fits a screen: the option, what it is in which unit, and its default."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32, width=110)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        text = action.help or ""
        silent = action.default is argparse.SUPPRESS or action.default is None or action.default is False
        if silent or "default" in text or not action.option_strings:
            return text
        return f"{text} [%(default)s]"

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if action.option_strings and action.nargs != 0:
            argument = self._format_args(action, self._get_default_metavar_for_optional(action))
            return f"{', '.join(action.option_strings)} {argument}"
        return super()._format_action_invocation(action)


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line like all others, and that takes no abbreviated flags."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"formatter_class": HelpFormatter, "allow_abbrev": False, **settings})

    def error(self, message: str) -> NoReturn:
        """Raise `UserError` where argparse would print its usage and exit."""
        raise UserError(f"{message}; see: {self.prog} --help")


def add_output_file(parser: argparse.ArgumentParser) -> None:
    """Add `--output-file`, the same wherever a result is printed."""
    parser.add_argument("--output-file", type=Path, metavar="F", help="also write the result as JSON to this file")


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """Add the positional MODEL, the same wherever a checkpoint is read."""
    parser.add_argument(
        "model", type=Path, metavar="MODEL",
        help="checkpoint or run directory, NAME@ALIAS or NAME:VERSION in the registry, or a shipped name",
    )  # fmt: skip


def add_device_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--device`, the same wherever a model is asked."""
    parser.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="auto is cuda where there is one [auto]"
    )


def add_model_size_argument(parser: argparse.ArgumentParser) -> None:
    """Add the `--model-size` of math-llm, which is compared with the checkpoint; not shown in the help."""
    parser.add_argument("--model-size", choices=["small", "medium", "large"], help=argparse.SUPPRESS)


def add_options(
    parser: argparse._ActionsContainer, options: type[BaseModel], aliases: Mapping[str, Sequence[str]]
) -> None:
    """Add one flag per field of `options`, with its description and default; `aliases` are further spellings."""
    for name, field in options.model_fields.items():
        flags = [f"--{name.replace('_', '-')}"]
        flags += [alias for alias in aliases.get(name, ()) if alias not in flags]
        shown = flags[:1]
        settings = _flag_settings(field)
        parser.add_argument(*shown, dest=name, default=argparse.SUPPRESS, **settings)
        if flags[1:]:
            hidden = {**settings, "help": argparse.SUPPRESS}
            parser.add_argument(*flags[1:], dest=name, default=argparse.SUPPRESS, **hidden)


def _flag_settings(field: FieldInfo) -> dict[str, Any]:
    annotation = _without_none(field.annotation)
    default = field.get_default(call_default_factory=True)
    spelled = " ".join(map(str, default)) if isinstance(default, tuple | list) else default
    text = (field.description or "").replace("%", "%%")
    if default is not None and default is not False:
        text += f" [{spelled}]"
    if annotation is bool:
        return {"action": argparse.BooleanOptionalAction, "help": text}
    if get_origin(annotation) in (tuple, list):
        return {"nargs": "+", "help": text, "metavar": "X"}
    if get_origin(annotation) is Literal:
        return {"choices": get_args(annotation), "help": text}
    metavar = {int: "N", float: "X", Path: "PATH"}.get(annotation, "X")
    kind = annotation if annotation in (int, float, Path) else str
    return {"type": kind, "help": text, "metavar": metavar}


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else str
    return annotation


def parse_overrides(rest: Sequence[str]) -> dict[str, str]:
    """Read `--section.key value` and `--section.key=value` into a dictionary of dotted keys.

    Hyphens and underscores are the same in a key. Raises `UserError` for anything else.
    """
    overrides: dict[str, str] = {}
    items = iter(rest)
    for item in items:
        if not item.startswith("--") or "." not in item.split("=")[0]:
            raise UserError(f"unknown argument {item!r}; a key of the configuration is written --section.key value")
        name, equals, value = item[2:].partition("=")
        if not equals:
            try:
                value = next(items)
            except StopIteration:
                raise UserError(f"{item} needs a value") from None
        overrides[name.replace("-", "_")] = value
    return overrides
