"""Read a Dockerfile: stages of instructions, with the words of each taken apart as an engine does.

What the language has and our file does not need (heredocs, wildcards, `ONBUILD`, mounts, …) is refused, so that
nothing is ever half understood. See https://docs.docker.com/reference/dockerfile/.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from longhand.errors import UserError

KNOWN = frozenset(
    ("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN", "USER", "WORKDIR")
)
FLAGS = {"COPY": {"from", "chown"}, "HEALTHCHECK": {"interval", "timeout", "start-period", "retries"}}


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name, its flags (`--from=build`), and the text after them with continued lines joined."""

    name: str
    text: str
    flags: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        flags = [f"--{name}={value}" for name, value in self.flags.items()]
        return " ".join([self.name, *flags, *self.text.split()])

    @property
    def is_exec_form(self) -> bool:
        """Whether the command is a JSON array and is started as it is, without a shell."""
        return self.text.startswith("[")

    def command(self) -> list[str]:
        """What is started; the shell form is given to a shell. For CMD, ENTRYPOINT, RUN and HEALTHCHECK CMD."""
        if not self.is_exec_form:
            return ["/bin/sh", "-c", self.text]
        try:
            words = json.loads(self.text)
        except json.JSONDecodeError as error:
            raise UserError(f"Dockerfile: {self.name} {self.text!r} is no JSON array: {error}") from error
        if not words or not all(isinstance(word, str) for word in words):
            raise UserError(f"Dockerfile: {self.name} {self.text!r} has to be a JSON array of strings")
        return list(words)

    def pairs(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The `NAME=VALUE` of ENV and LABEL, with variables replaced; all see those from before the instruction."""
        found = {}
        for word in shlex.split(self.text):
            name, equals, value = word.partition("=")
            if not equals:
                raise UserError(f"Dockerfile: {self.name} {word!r}: write NAME=VALUE")
            found[name] = substitute(value, variables)
        return found


@dataclass(frozen=True)
class Stage:
    """What follows one FROM: the base (an image or a stage before it), its own name or none, and its instructions."""

    base: str
    name: str
    instructions: tuple[Instruction, ...]

    def last(self, name: str) -> Instruction | None:
        """The instruction of this name that holds in the end."""
        return next((step for step in reversed(self.instructions) if step.name == name), None)


def parse(text: str) -> list[Stage]:
    """The stages of a Dockerfile, in their order; raises `UserError` for what is not understood."""
    stages: list[tuple[str, str, list[Instruction]]] = []
    for line in _logical_lines(text):
        instruction = _instruction(line)
        if instruction.name == "FROM":
            found = re.fullmatch(r"(\S+)(?:\s+AS\s+(\S+))?", instruction.text, flags=re.IGNORECASE)
            if found is None or "$" in instruction.text:
                raise UserError(f"Dockerfile: {line!r}: write FROM IMAGE or FROM IMAGE AS NAME")
            stages.append((found[1], found[2] or "", []))
        elif not stages:
            raise UserError(f"Dockerfile: {line!r} stands before the first FROM")
        else:
            stages[-1][2].append(instruction)
    return [Stage(base, name, tuple(steps)) for base, name, steps in stages]


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$NAME` and `${NAME}`; what has no value is empty, as in an engine."""
    if unknown := re.search(r"\$\{\w+[^\w}]|\\\$", text):
        raise UserError(f"Dockerfile: {unknown[0]!r} in {text!r} is not understood; write $NAME or ${{NAME}}")
    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda match: variables.get(match[1] or match[2], ""), text)


def _logical_lines(text: str) -> list[str]:
    """Lines with their continuations, without comments; a comment between continued lines is left out too."""
    lines: list[str] = []
    is_open = False
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        continued = re.search(r"\\\s*$", line)
        part = line[: continued.start()] if continued else line
        if is_open:
            lines[-1] += part
        else:
            lines.append(part.strip())
        is_open = continued is not None
    return lines


def _instruction(line: str) -> Instruction:
    name, _, rest = line.partition(" ")
    name, rest = name.upper(), rest.strip()
    if name not in KNOWN:
        raise UserError(f"Dockerfile: {name} in {line!r} is not understood; known are {', '.join(sorted(KNOWN))}")
    flags = {}
    while found := re.match(r"--([\w-]+)=(\S+)\s+", rest):
        if found[1] not in FLAGS.get(name, ()):
            raise UserError(f"Dockerfile: --{found[1]} of {name} is not understood")
        flags[found[1]] = found[2]
        rest = rest[found.end() :]
    if "<<" in rest:
        raise UserError(f"Dockerfile: {line!r} has a heredoc, which is not understood; continue lines with a backslash")
    if name == "HEALTHCHECK":
        if not rest.startswith("CMD "):
            raise UserError(f"Dockerfile: {line!r}: write HEALTHCHECK CMD …")
        rest = rest.removeprefix("CMD").strip()
    return Instruction(name, rest, flags)
