"""A problem as the text a model reads and writes, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import product
from typing import Any, Literal

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Division, Problem, Semantics
from longhand.errors import UserError
from longhand.text.vocabulary import Vocabulary
from longhand.text.worked_steps import WORKED_STEPS, write_steps

Style = Literal["expression", "question", "spaced"]
Steps = Literal["none", "columns", "running_sum", "partial_products", "long_division"]

THINK, END_THINK, NOOP = "<think>", "</think>", "<noop>"

_ANSWER = re.compile(r"(-?)([0-9]+)(?:([/r])([0-9]+))?", flags=re.ASCII)
_OPERAND = re.compile(r"(?<![0-9])-?[0-9]+", flags=re.ASCII)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A problem in model text: `prompt`, then `target`, which is the worked steps (`cot`) and the answer."""

    prompt: str
    target: str
    cot: str

    @property
    def text(self) -> str:
        """Prompt and target as one string, without an end mark."""
        return self.prompt + self.target

    @property
    def answer(self) -> str:
        """The answer as the model writes it."""
        return self.target[len(self.cot) :]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a model text says: the problem, the canonical answer (None if it has none), and its worked steps."""

    problem: Problem
    answer: str | None
    cot: str


@dataclass(frozen=True, slots=True)
class Spelled:
    """A rendered problem in ids: `[begin] prompt [steps] answer end`."""

    ids: list[int]
    prompt_length: int
    answer_start: int


@dataclass(frozen=True)
class Format:
    """How problems are written.

    `style` is `951+11=`, `What is 951 + 11? ` or `951 + 11 = `. `reverse_operands` and `reverse_answer` write the
    units first, a sign before them. `operand_width` and `answer_width` fill numbers with zeros to so many digits
    (`widest`: to the widest operand of the problem). `steps` chooses the worked steps, `steps_width` pads
    them inside `<think>` to so many characters with `<noop>`, `begin` puts the vocabulary's bos token in front.
    Raises `UserError` for settings that cannot go together.
    """

    style: Style = "expression"
    reverse_operands: bool = False
    reverse_answer: bool = False
    operand_width: int | Literal["widest"] | None = None
    answer_width: int | None = None
    steps: Steps = "none"
    steps_width: int | None = None
    begin: bool = False
    semantics: Semantics = "precedence"
    division: Division = "exact"

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("style", self.style, ("expression", "question", "spaced")),
            ("steps", self.steps, ("none", *WORKED_STEPS)),
            ("semantics", self.semantics, ("precedence", "left_to_right")),
            ("division", self.division, ("exact", "remainder")),
        ):
            if value not in allowed:
                raise UserError(f"format.{name} {value!r} is unknown; choose {', '.join(allowed)}")
        for name, width in (("operand_width", self.operand_width), ("answer_width", self.answer_width)):
            if width is not None and width != "widest" and (not isinstance(width, int) or width < 1):
                raise UserError(f"format.{name} {width!r} must be a number of digits of at least 1")
        if self.steps_width is not None and self.steps == "none":
            raise UserError("format.steps_width pads worked steps; choose format.steps, or leave it out")

    def prompt(self, problem: Problem) -> str:
        """The text a model is asked with, up to and with `=` or `? `."""
        width = self.operand_width
        if width == "widest":
            width = max(len(str(abs(operand))) for operand in problem.operands)
        words = [self._number(problem.operands[0], width, self.reverse_operands)]
        for operator, operand in zip(problem.operators, problem.operands[1:], strict=True):
            words += [operator, self._number(operand, width, self.reverse_operands)]
        if self.style == "expression":
            return "".join(words) + "="
        return f"What is {' '.join(words)}? " if self.style == "question" else f"{' '.join(words)} = "

    def render(self, problem: Problem) -> Rendered:
        """Write a problem and its worked answer; raises `UserError` if a number does not fit its width."""
        steps = write_steps(self.steps, problem)
        if self.steps_width is not None:
            # Every character of the steps is one token, and so is every <noop>.
            missing = self.steps_width - len(steps)
            if missing < 0:
                raise UserError(f"{problem}: the steps take {len(steps)} tokens, steps_width is {self.steps_width}")
            steps += NOOP * missing
        cot = f"{THINK}{steps}{END_THINK}" if steps else ""
        return Rendered(self.prompt(problem), cot + self.write_answer(problem.answer), cot)

    def write_answer(self, answer: str) -> str:
        """A canonical answer as the model writes it: sign, then digits filled up and turned around."""
        match = _ANSWER.fullmatch(answer)
        assert match is not None, answer
        sign, first, mark, second = match.groups()
        words = [self._number(int(first), self.answer_width, self.reverse_answer)]
        if mark:
            words += [mark, self._number(int(second), self.answer_width, self.reverse_answer)]
        return sign + "".join(words)

    def read_answer(self, completion: str) -> str | None:
        """The canonical answer in what a model wrote after the prompt, or None if it is not well formed.

        Nothing but the worked steps may stand before the answer, and nothing after it. Where a width is set,
        every number must have it; otherwise the digits are taken as they are.
        """
        _, answer = split_cot(completion)
        match = _ANSWER.fullmatch(answer)
        if match is None:
            return None
        sign, first, mark, second = match.groups()
        numbers = []
        for digits in (first, second) if mark else (first,):
            if self.answer_width is not None and len(digits) != self.answer_width:
                return None
            ordered = digits[::-1] if self.reverse_answer else digits
            numbers.append(str(int(ordered)) if self.answer_width is not None else ordered)
        return sign + (mark or "").join(numbers)

    def read_prompt(self, prompt: str) -> Problem:
        """The problem a prompt in this format asks; raises `UserError` if it asks none."""
        plain = _OPERAND.sub(self._plain_operand, prompt)
        return parse_expression(plain, semantics=self.semantics, division=self.division)

    def parse(self, text: str) -> Parsed:
        """Read a whole text: `parse(render(p).text)` has the problem p and the answer `p.answer`."""
        mark = "?" if self.style == "question" else "="
        head, found, target = text.partition(mark)
        if not found:
            raise UserError(f"{text!r} has no {mark!r}, so it asks nothing")
        cot, _ = split_cot(target.lstrip(" "))
        return Parsed(self.read_prompt(head + mark), self.read_answer(target.lstrip(" ")), cot)

    def spell(self, rendered: Rendered, vocabulary: Vocabulary) -> Spelled:
        """Turn a rendered problem into ids, with bos if `begin` and eos at the end."""
        begin = [vocabulary.id_of("bos")] if self.begin else []
        prompt = begin + vocabulary.encode(rendered.prompt)
        cot = vocabulary.encode(rendered.cot)
        answer = vocabulary.encode(rendered.answer)
        ids = [*prompt, *cot, *answer, vocabulary.id_of("eos")]
        return Spelled(ids, len(prompt), len(prompt) + len(cot))

    def spell_prompt(self, prompt: str, vocabulary: Vocabulary) -> list[int]:
        """Turn a prompt into ids, with bos if `begin`."""
        begin = [vocabulary.id_of("bos")] if self.begin else []
        return begin + vocabulary.encode(prompt)

    def max_lengths(self, domain: Domain) -> tuple[int, int]:
        """Tokens of the longest prompt and of the longest completion (with bos and eos) over a domain.

        Taken over the corners of the domain, where numbers are longest and every column carries.
        """
        prompt = completion = 0
        low, high = domain.min_operand, domain.max_operand
        corners = {number for number in (low, high, 0, 1, 10 ** (len(str(high)) - 1)) if low <= number <= high}
        answers = [str(bound) for bound in domain.answer_range()]
        for operators in product(domain.operators, repeat=domain.n_operands - 1):
            for operands in product(sorted(corners), repeat=domain.n_operands):
                try:
                    rendered = self.render(domain.problem(operands, operators))
                except UserError:
                    continue  # a division by zero, or a problem this kind of steps is not for
                prompt = max(prompt, len(rendered.prompt) + self.begin)
                longest = max(len(rendered.answer), *(len(self.write_answer(answer)) for answer in answers))
                completion = max(completion, n_tokens(rendered.cot) + longest + 1)
        return prompt, completion

    def to_dict(self) -> dict[str, Any]:
        """The format as JSON data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Format:
        """Read what `to_dict` wrote; raises `UserError` for an unknown key or an impossible value."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(data) - set(known))
        if unknown:
            raise UserError(f"unknown key {unknown[0]!r} in a format; known are {', '.join(known)}")
        return cls(**data)

    @staticmethod
    def _number(number: int, width: int | str | None, reverse: bool) -> str:
        digits = str(abs(number))
        if isinstance(width, int):
            if len(digits) > width:
                raise UserError(f"{number} has {len(digits)} digits; this format has room for {width}")
            digits = digits.zfill(width)
        return ("-" if number < 0 else "") + (digits[::-1] if reverse else digits)

    def _plain_operand(self, match: re.Match[str]) -> str:
        sign, digits = ("-", match.group()[1:]) if match.group()[0] == "-" else ("", match.group())
        # A minus sign directly after a digit or a space is an operator, not a sign; the expression reader decides.
        ordered = digits[::-1] if self.reverse_operands else digits
        return sign + (str(int(ordered)) if self.operand_width is not None else ordered)


def split_cot(completion: str) -> tuple[str, str]:
    """Split what was written after a prompt into worked steps (without their tags) and the rest."""
    if not completion.startswith(THINK):
        return "", completion
    cot, _, answer = completion.removeprefix(THINK).rpartition(END_THINK)
    return cot, answer


def n_tokens(text: str) -> int:
    """Tokens of a model text: one per tag and one per other character."""
    return len(re.sub(r"</?[a-z]+>", "#", text))
