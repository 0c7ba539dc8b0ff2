"""A problem as the text a model reads and writes, and back."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, NamedTuple, get_args

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.long_numbers import write_int
from longhand.arithmetic.problem import COMPARISON, Division, Order, Problem, Semantics
from longhand.errors import UserError
from longhand.text.schoolbook import longest_schoolbook, read_schoolbook, write_schoolbook
from longhand.text.vocabulary import Vocabulary
from longhand.text.worked_steps import NOOP, WORKED_STEPS, Steps

Notation = Literal["number", "schoolbook"]
Style = Literal["expression", "question", "spaced", "chat", "as_asked"]

THINK, END_THINK = "<think>", "</think>"

_CANONICAL = re.compile(r"(-?)([0-9]+)(?:([/r])([0-9]+))?", flags=re.ASCII)
_QUESTION = re.compile(r" *what\b", flags=re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+", flags=re.ASCII)


class StyleWords(NamedTuple):
    """What a style writes before the first operand, on both sides of an operator, and after the last operand."""

    before: str
    around: str
    after: str


STYLES: Mapping[Style, StyleWords] = {
    "expression": StyleWords("", "", "="),
    "question": StyleWords("What is ", " ", "? "),
    "spaced": StyleWords("", " ", " = "),
    "chat": StyleWords("<|im_start|>user\nWhat is ", " ", "?<|im_end|>\n<|im_start|>assistant\n"),  # ChatML
    "as_asked": StyleWords("", "", "="),  # or those of a question, as the asker chooses: see Format.as_asked
}


_MARKS: Mapping[Division, str] = {"exact": "/", "remainder": "r"}  # between the two numbers of an answer

_CHOICES: Mapping[str, tuple[object, ...]] = {
    "style": get_args(Style),
    "reverse_operands": (False, True),
    "reverse_answer": (False, True),
    "steps": get_args(Steps),
    "begin": (False, True),
    "semantics": get_args(Semantics),
    "division": get_args(Division),
    "notation": get_args(Notation),
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A problem in model text: `prompt`, then `target`: the worked steps with their tags (`cot`), and the answer."""

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
    """What a model text says: the problem, the canonical answer (None if it has none), and the worked steps."""

    problem: Problem
    answer: str | None
    cot: str


@dataclass(frozen=True, slots=True)
class Spelled:
    """A rendered problem in ids, `[begin] prompt [cot] answer end`, and where its parts begin.

    A loss on the completion counts from `prompt_length`, a loss on the answer from `answer_start`. Both come from
    the parts of the text and not from a search for `=`, which worked steps are full of.
    """

    ids: list[int]
    prompt_length: int
    answer_start: int


@dataclass(frozen=True)
class Format:
    """How problems are written.

    `style` is `951+11=`, `What is 951 + 11? `, `951 + 11 = `, the question as a chat turn, or with
    `as_asked` the question to those who ask in words and the expression to all others. `reverse_operands` and
    `reverse_answer` write units first, after the sign. `operand_width` and `answer_width` fill numbers with zeros to
    so many digits; operands also to the `widest` of their problem. A fraction `1/3` and a division with remainder
    `17r3` are two numbers, each filled and reversed by itself. `steps` are the worked steps, which `steps_width`
    fills with `<noop>` to so many tokens, and `begin` puts the vocabulary's bos in front. Problems are read with
    `semantics` and `division`, and those that are written should have them. With the `notation` schoolbook the answer
    is the rows of text/schoolbook.py, which end in it, in place of a number; only so are comparisons answered. Raises
    `UserError` for settings that are impossible.
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
    notation: Notation = "number"

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UserError(
                    f"format.{name} {getattr(self, name)!r} is unknown; choose {', '.join(map(str, allowed))}"
                )
        for name in ("operand_width", "answer_width", "steps_width"):
            width = getattr(self, name)
            if width is None or (name == "operand_width" and width == "widest"):
                continue
            if not isinstance(width, int) or isinstance(width, bool) or width < 1:
                raise UserError(f"format.{name} is {width!r}; give a whole number of at least 1")
        if self.steps_width is not None and self.steps == "none":
            raise UserError("format.steps_width fills worked steps; choose format.steps, or leave it out")
        if self.notation == "schoolbook":
            for name in ("reverse_operands", "reverse_answer", "operand_width", "answer_width", "steps"):
                if getattr(self, name) != type(self).__dataclass_fields__[name].default:
                    raise UserError(f"format.{name} has no effect on notation: schoolbook; leave it out")

    @property
    def number_width(self) -> int | None:
        """The digits that every operand is filled to; None where that depends on the problem."""
        return None if self.operand_width == "widest" else self.operand_width

    def as_asked(self, text: str) -> Format:
        """The format for a prompt or row that begins like `text`: another than this one only with style `as_asked`."""
        if self.style != "as_asked":
            return self
        return replace(self, style="question" if _QUESTION.match(text) else "expression")

    def prompt(self, problem: Problem) -> str:
        """The text that asks a problem; raises `UserError` if an operand does not fit its width."""
        before, around, after = STYLES[self.style]
        numbers = self._operands(problem.operands)
        if len(numbers) == 2:  # as nearly always
            return f"{before}{numbers[0]}{around}{problem.operators[0]}{around}{numbers[1]}{after}"
        words = [before, numbers[0]]
        for operator, number in zip(problem.operators, numbers[1:], strict=True):
            words += [around, operator, around, number]
        return "".join([*words, after])

    def render(self, problem: Problem) -> Rendered:
        """Write a problem and its worked answer.

        Raises `UserError` if a number does not fit its width, or the format is not for such a problem.
        """
        self._refuse_comparisons(problem.operators)
        steps = WORKED_STEPS[self.steps].write(problem, self.number_width)
        if self.steps_width is not None:
            missing = self.steps_width - len(steps)  # every character is one token, and so is every <noop>
            if missing < 0:
                raise UserError(f"{problem}: its steps take {len(steps)} tokens; raise format.steps_width")
            steps += NOOP * missing
        cot = f"{THINK}{steps}{END_THINK}" if steps else ""
        schoolbook = self.notation == "schoolbook"
        answer = write_schoolbook(problem) if schoolbook else self.write_answer(problem.answer)
        return Rendered(self.prompt(problem), cot + answer, cot)

    def write_answer(self, answer: str) -> str:
        """A canonical answer as a model writes it; raises `UserError` if it does not fit its width."""
        if answer in tuple(Order):
            return answer
        match = _CANONICAL.fullmatch(answer)
        assert match is not None, answer
        sign, first, mark, second = match.groups()
        written = sign + self._answer_digits(first)
        return f"{written}{mark}{self._answer_digits(second)}" if mark else written

    def read_answer(self, completion: str) -> str | None:
        """The canonical answer in what a model wrote after the prompt, or None if there is no well-formed one.

        It may follow worked steps, which are not looked at. Every number must have its width, or no leading zero
        where there is none, and nothing may come after it.
        """
        _, written = split_cot(completion)
        if self.notation == "schoolbook":
            return read_schoolbook(written)
        match = _CANONICAL.fullmatch(written)
        if match is None:
            return None
        sign, first, mark, second = match.groups()
        if mark and mark != _MARKS[self.division]:
            return None
        numbers = []
        for digits in (first, second) if mark else (first,):
            number = _turn(digits, self.reverse_answer).lstrip("0") or "0"
            if len(digits) != (self.answer_width or len(number)):
                return None
            numbers.append(number)
        if sign and numbers[0] == "0":
            return None
        return sign + (mark or "").join(numbers)

    def read_prompt(self, prompt: str) -> Problem:
        """The problem that a prompt asks, with its digits in the order of this format.

        Spaces and the words of another style do not matter; zeros in front are refused where the format fills nothing.
        Raises `UserError` if the prompt asks nothing.
        """
        before, _, after = STYLES[self.style]
        if prompt.startswith(before) and prompt.endswith(after):
            prompt = prompt[len(before) : len(prompt) - len(after)]
        if self.reverse_operands:
            prompt = _DIGITS.sub(lambda digits: digits[0][::-1], prompt)
        filled = self.operand_width is not None
        return parse_expression(prompt, semantics=self.semantics, division=self.division, leading_zeros=filled)

    def parse(self, text: str) -> Parsed:
        """Read a whole text: `parse(render(p).text)` has the problem `p` and the answer `p.answer`.

        Raises `UserError` if the text asks nothing; an answer that is not well formed is None.
        """
        if self.style == "as_asked":
            return self.as_asked(text).parse(text)
        after = STYLES[self.style].after
        head, found, completion = text.partition(after)
        if not found:
            raise UserError(f"{text!r} asks nothing in the style {self.style!r}, which needs {after!r}")
        _, answer = split_cot(completion)
        cot = completion[: len(completion) - len(answer)]
        return Parsed(self.read_prompt(head + after), self.read_answer(completion), cot)

    def spell(self, rendered: Rendered, vocabulary: Vocabulary) -> Spelled:
        """Turn a rendered problem into ids, with bos if `begin`, and with eos.

        Raises `UserError` if the vocabulary cannot spell it.
        """
        prompt = self.spell_prompt(rendered.prompt, vocabulary)
        cot, answer = vocabulary.encode(rendered.cot), vocabulary.encode(rendered.answer)
        ids = [*prompt, *cot, *answer, vocabulary.id_of("eos")]
        return Spelled(ids, len(prompt), len(prompt) + len(cot))

    def spell_prompt(self, prompt: str, vocabulary: Vocabulary) -> list[int]:
        """Turn a prompt into ids, with bos if `begin`; raises `UserError` if the vocabulary cannot spell it."""
        ids = vocabulary.encode(prompt)
        return [vocabulary.id_of("bos"), *ids] if self.begin else ids

    def max_lengths(self, domain: Domain) -> tuple[int, int]:
        """Tokens (with bos and eos) that no prompt and no completion of a domain exceeds.

        A token is taken to be one character or one tag. Raises `UserError` if an operand does not fit its width, or
        the format is not for such problems.
        """
        self._refuse_comparisons(domain.operators)
        low, high, n = domain.min_operand, domain.max_operand, domain.n_operands
        before, around, after = STYLES["question" if self.style == "as_asked" else self.style]
        operand = max(map(len, self._operands((low, high))))
        prompt = self.begin + len(before) + n * operand + (n - 1) * (2 * len(around) + 1) + len(after)

        largest = max(abs(low), abs(high))
        if self.notation == "schoolbook":
            longest = max(longest_schoolbook(operator, len(str(largest))) for operator in domain.operators)
            return prompt, longest + 1
        steps = self.steps_width
        if steps is None:
            kind = WORKED_STEPS[self.steps]
            width = self.number_width or len(str(largest))
            steps = len(kind.write(kind.longest(width, n, domain.operators), width))
        cot = steps + 2 if steps else 0

        answer = max((bound < 0) + (self.answer_width or len(str(abs(bound)))) for bound in domain.answer_range())
        if domain.division == "remainder" and "/" in domain.operators:
            answer += 1 + (self.answer_width or len(str(largest - 1)))
        return prompt, cot + answer + 1

    def to_dict(self) -> dict[str, Any]:
        """The format as JSON data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Format:
        """Read what `to_dict` wrote; raises `UserError` for an unknown key or an impossible value."""
        known = [field.name for field in fields(cls)]
        if not isinstance(data, Mapping):
            raise UserError(f"{data!r} is not a format; give some of {', '.join(known)}")
        for key in data:
            if key not in known:
                raise UserError(f"unknown key {key!r} in a format; known are {', '.join(known)}")
        return cls(**data)

    def _refuse_comparisons(self, operators: Collection[str]) -> None:
        """An order is no number, and the end of a question looks like the operator."""
        if COMPARISON in operators and (self.notation == "number" or self.style == "question"):
            raise UserError(
                f"a{COMPARISON}b is asked as an expression and answered in rows; set format.style: expression and"
                " format.notation: schoolbook"
            )

    def _operands(self, operands: tuple[int, ...]) -> list[str]:
        words = [write_int(abs(operand)) for operand in operands]
        width = max(map(len, words)) if self.operand_width == "widest" else self.operand_width
        if width is not None:
            words = [_fill(word, width, "operand_width") for word in words]
        if self.reverse_operands:
            words = [word[::-1] for word in words]
        if min(operands) < 0:
            words = [f"-{word}" if operand < 0 else word for operand, word in zip(operands, words, strict=True)]
        return words

    def _answer_digits(self, digits: str) -> str:
        return _turn(_fill(digits, self.answer_width, "answer_width"), self.reverse_answer)


def split_cot(completion: str) -> tuple[str, str]:
    """Split what was written after a prompt into worked steps, without their tags, and the rest.

    Steps that are never closed are all there is.
    """
    if not completion.startswith(THINK):
        return "", completion
    body = completion.removeprefix(THINK)
    steps, closed, rest = body.rpartition(END_THINK)
    return (steps, rest) if closed else (body, "")


def _fill(digits: str, width: int | None, name: str) -> str:
    if width is None:
        return digits
    if len(digits) > width:
        raise UserError(f"{digits} has {len(digits)} digits, which is more than format.{name} {width}; raise it")
    return digits.zfill(width)


def _turn(digits: str, reverse: bool) -> str:
    return digits[::-1] if reverse else digits
