"""Problems to token ids, millions per second: what `Format` and `Vocabulary` give, without a loop over rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import OPERATORS, Problem
from longhand.data.digitwise import ALPHABET, digitwise_characters
from longhand.data.problems import VERSUS, Ints, ProblemArrays
from longhand.data.tokens import TokenArrays, id_dtype, stack_tokens
from longhand.errors import UserError
from longhand.text.digitwise import PLACES
from longhand.text.formats import STYLES, Format
from longhand.text.vocabulary import Vocabulary

CHUNK = 2**14  # rows written at a time, so that they stay in the processor's cache

_POWERS = 10 ** np.arange(19, dtype=np.int64)


def encode_arrays(arrays: ProblemArrays, format: Format, vocabulary: Vocabulary) -> TokenArrays:
    """Encode every problem as `format.spell(format.render(problem), vocabulary)` does, padded on the right.

    Vectorised for every style and width, and for steps digit by digit; other worked steps, and vocabularies whose
    tokens run across digits, take the slow way with the same result. Raises `UserError` if the vocabulary cannot spell
    a row, or a number does not fit its width.
    """
    if _is_digitwise(arrays, format, vocabulary):
        return _encode_digitwise(arrays, format, vocabulary)
    if not len(arrays) or not _is_plain(arrays, format) or not _digits_stand_alone(vocabulary):
        return encode_problems(arrays.problems(), format, vocabulary)
    layout = _Layout.of(arrays, format, vocabulary)
    parts = [layout.write(arrays.take(slice(i, i + CHUNK))) for i in range(0, len(arrays), CHUNK)]
    lengths = np.concatenate([part.lengths for part in parts])
    width = int(lengths.max())
    prompts = np.concatenate([part.prompt_lengths for part in parts])
    return TokenArrays(np.concatenate([part.ids[:, :width] for part in parts]), prompts, prompts, lengths, layout.pad)


def encode_problems(problems: Iterable[Problem], format: Format, vocabulary: Vocabulary) -> TokenArrays:
    """Encode problems one by one, of any shape and with worked steps."""
    spelled = [format.spell(format.render(problem), vocabulary) for problem in problems]
    rows = [(row.ids, row.prompt_length, row.answer_start) for row in spelled]
    return stack_tokens(rows, len(vocabulary), vocabulary.id_of("pad"))


def _encode_digitwise(arrays: ProblemArrays, format: Format, vocabulary: Vocabulary) -> TokenArrays:
    """Encode row by row what has no steps, and put the steps of each operator in their place."""
    plain = encode_arrays(arrays, replace(format, steps="none"), vocabulary)
    assert format.number_width is not None
    spelling = np.zeros(128, dtype=plain.ids.dtype)
    spelling[[ord(character) for character in ALPHABET]] = vocabulary.encode(ALPHABET)
    parts, places = [], []
    for operator in np.unique(arrays.operators):
        chosen = np.flatnonzero(arrays.operators[:, 0] == operator)
        for start in range(0, len(chosen), CHUNK):
            rows = chosen[start : start + CHUNK]
            characters, n_characters = digitwise_characters(arrays.take(rows), format.number_width)
            parts.append(_insert(plain.take(rows), spelling[characters], n_characters, vocabulary))
            places.append(rows)
    width = max(part.ids.shape[1] for part in parts)
    ids = np.full((len(arrays), width), plain.pad_id, dtype=plain.ids.dtype)
    answer_starts, lengths = np.empty_like(plain.lengths), np.empty_like(plain.lengths)
    for part, rows in zip(parts, places, strict=True):
        ids[rows, : part.ids.shape[1]] = part.ids
        answer_starts[rows], lengths[rows] = part.answer_starts, part.lengths
    return TokenArrays(ids, plain.prompt_lengths, answer_starts, lengths, plain.pad_id)


def _insert(rows: TokenArrays, steps: NDArray[Any], lengths: Ints, vocabulary: Vocabulary) -> TokenArrays:
    """Put `lengths` ids of `steps` [n, longest] and their tags between prompt and answer; no tags around nothing."""
    inserted = np.where(lengths > 0, lengths + 2, 0)[:, None]
    ends = rows.lengths[:, None] + inserted
    place = np.arange(int(ends.max()))
    step = place - rows.prompt_lengths[:, None]  # from 0 at <think>
    source = np.where(step < 0, place, place - inserted)
    ids = np.take_along_axis(rows.ids, source.clip(0, rows.ids.shape[1] - 1), axis=1)
    ids[place >= ends] = rows.pad_id
    if steps.shape[1]:
        ids[step == 0] = vocabulary.id_of("think")
        ids[step == inserted - 1] = vocabulary.id_of("end_think")
        within = (step > 0) & (step < inserted - 1)
        row, column = np.nonzero(within)
        ids[row, column] = steps[row, step[row, column] - 1]
    answer_starts = (rows.answer_starts + inserted[:, 0]).astype(np.int32)
    return TokenArrays(ids, rows.prompt_lengths, answer_starts, ends[:, 0].astype(np.int32), rows.pad_id)


def longest_row(domain: Domain, format: Format, vocabulary: Vocabulary) -> int:
    """Tokens that no row of a domain exceeds, for domains too large, and steps too slow, to look at every row."""
    before, _, after = STYLES[format.style]
    merged = sum(len(words) - len(vocabulary.encode(words)) for words in (before, after))
    return sum(format.max_lengths(domain)) - merged


def _is_digitwise(arrays: ProblemArrays, format: Format, vocabulary: Vocabulary) -> bool:
    """Whether the rows have steps digit by digit that can be written as arrays."""
    if format.steps != "digitwise" or format.number_width is None or format.steps_width is not None:
        return False
    if not len(arrays) or arrays.operands.shape[1] != 2 or arrays.operands.min() < 0:
        return False
    if len(str(arrays.operands.max())) > format.number_width or format.number_width > len(PLACES):
        return False
    tokens = [token for token in vocabulary.tokens if len(token) > 1]
    return vocabulary.can_spell(ALPHABET) and all(token[0] not in ALPHABET for token in tokens)


def _is_plain(arrays: ProblemArrays, format: Format) -> bool:
    """Whether rows are made of the pieces a layout knows, with numbers that fit 64 bits."""
    fits = all(not isinstance(width, int) or width <= 18 for width in (format.operand_width, format.answer_width))
    answered = VERSUS not in arrays.operators  # by a number
    return format.steps == "none" and format.notation == "number" and answered and fits


def _digits_stand_alone(vocabulary: Vocabulary) -> bool:
    """Whether numbers are spelled digit by digit whatever stands next to them."""
    if any(set(token) & set("0123456789-") for token in vocabulary.tokens if len(token) > 1):
        return False
    return vocabulary.on_unknown != "drop" or vocabulary.can_spell("0123456789-")


@dataclass(frozen=True, slots=True)
class _Layout:
    """The pieces a row is made of, as ids."""

    format: Format
    begin: NDArray[Any]  # bos and the words before the first operand
    operators: NDArray[Any]  # [4, longest], each with the spaces around it
    operator_lengths: Ints  # [4]
    end_of_prompt: NDArray[Any]
    digits: NDArray[Any]  # [10]
    minus: int
    remainder_mark: NDArray[Any]
    eos: int
    pad: int
    width: int  # columns that hold the longest row

    @classmethod
    def of(cls, arrays: ProblemArrays, format: Format, vocabulary: Vocabulary) -> _Layout:
        dtype = id_dtype(len(vocabulary))

        def ids(text: str) -> NDArray[Any]:
            return np.array(vocabulary.encode(text), dtype=dtype)

        before, around, after = STYLES[format.style]
        used = np.unique(arrays.operators).tolist()
        try:
            words = {code: ids(f"{around}{OPERATORS[code]}{around}") for code in used}
            negative = arrays.operands.min() < 0 or arrays.answers.min() < 0
            minus = ids("-")[0] if negative else 0
            digits = ids("0123456789")
            mark = ids("r") if arrays.remainders is not None else ids("")
            before_ids, after_ids = ids(before), ids(after)
        except UserError:
            _explain_unspellable(arrays, format, vocabulary)
            raise
        longest = max(map(len, words.values()))
        operators = np.zeros((len(OPERATORS), longest), dtype=dtype)
        lengths = np.zeros(len(OPERATORS), dtype=np.int64)
        for code, word in words.items():
            operators[code, : len(word)] = word
            lengths[code] = len(word)
        bos = [vocabulary.id_of("bos")] if format.begin else []
        begin = np.concatenate([np.array(bos, dtype=dtype), before_ids])
        return cls(
            format, begin, operators, lengths, after_ids, digits, int(minus), mark,
            vocabulary.id_of("eos"), vocabulary.id_of("pad"),
            width=len(begin) + len(after_ids) + arrays.operators.shape[1] * longest + len(mark) + 1
            + arrays.operands.shape[1] * _width(arrays.operands, format.operand_width)
            + _width(arrays.answers, format.answer_width)
            + (0 if arrays.remainders is None else _width(arrays.remainders, format.answer_width)),
        )  # fmt: skip

    def write(self, arrays: ProblemArrays) -> TokenArrays:
        """Write rows piece by piece at a moving place.

        A piece of varying length is written at its full width; what is too much is overwritten by the next.
        """
        n, format = len(arrays), self.format
        rows = np.empty((n, self.width), dtype=self.digits.dtype)
        page, starts = rows.reshape(-1), np.arange(n) * self.width
        at = self._write_constant(page, starts, self.begin)
        shared = None
        if format.operand_width == "widest":  # one width per row
            shared = _count_digits(abs(arrays.operands).max(axis=1))
        for column in range(arrays.operands.shape[1]):
            if column:
                codes = arrays.operators[:, column - 1]
                for j in range(self.operators.shape[1]):
                    page[at + j] = self.operators[codes, j]
                at = at + self.operator_lengths[codes]
            numbers = arrays.operands[:, column]
            fixed = shared if shared is not None else format.operand_width
            at = self._write_number(page, at, numbers, fixed, format.reverse_operands, arrays)
        at = self._write_constant(page, at, self.end_of_prompt)
        prompt_lengths = (at - starts).astype(np.int32)
        at = self._write_number(page, at, arrays.answers, format.answer_width, format.reverse_answer, arrays)
        if arrays.remainders is not None:
            divided = arrays.remainders >= 0
            after = self._write_constant(page, at, self.remainder_mark)
            numbers = np.where(divided, arrays.remainders, 0)
            after = self._write_number(page, after, numbers, format.answer_width, format.reverse_answer, arrays)
            at = np.where(divided, after, at)
        page[at] = self.eos
        lengths = (at - starts + 1).astype(np.int32)
        np.copyto(rows, self.pad, where=np.arange(self.width, dtype=np.int32) >= lengths[:, None])
        return TokenArrays(rows, prompt_lengths, prompt_lengths, lengths, self.pad)

    def _write_constant(self, page: NDArray[Any], at: Ints, word: NDArray[Any]) -> Ints:
        for j, token in enumerate(word):
            page[at + j] = token
        return at + len(word)

    def _write_number(
        self, page: NDArray[Any], at: Ints, numbers: Ints, width: object, reverse: bool, arrays: ProblemArrays
    ) -> Ints:
        negative = numbers < 0
        if negative.any():
            page[at] = self.minus
            at = at + negative
            numbers = abs(numbers)
        longest = len(str(numbers.max()))
        lengths: Ints | int
        if width is None:
            lengths = _count_digits(numbers)
        elif isinstance(width, int):
            if longest > width:
                self.format.render(arrays.problem(int(np.argmax(numbers))))  # raises, and says which number
                raise AssertionError("a number wider than its width was rendered")
            lengths = longest = width
        else:
            assert isinstance(width, np.ndarray)
            lengths, longest = width, int(width.max())
        # Unsigned words divide faster, and 64 of them hold what 19 digits can be moved to.
        numbers = numbers.astype(np.uint32 if longest <= 9 else np.uint64)
        if reverse:
            for j in range(longest):
                rest = numbers // 10
                page[at + j] = self.digits[numbers - rest * 10]
                numbers = rest
        else:
            if not isinstance(lengths, int):  # move the first digit of every number to the same place
                numbers = numbers * _POWERS.astype(numbers.dtype)[longest - lengths]
            above = np.zeros_like(numbers)
            for j in range(longest):
                upto = numbers // numbers.dtype.type(10 ** (longest - 1 - j))
                page[at + j] = self.digits[upto - above]
                above = upto * 10
        return at + lengths


def _width(numbers: Ints, width: object) -> int:
    digits = max(len(str(abs(numbers.min()))), len(str(abs(numbers.max()))))
    return 1 + max(digits, width if isinstance(width, int) else 0)


def _count_digits(numbers: Ints) -> Ints:
    lengths = np.ones(len(numbers), dtype=np.int64)
    for power in _POWERS[1 : len(str(numbers.max()))]:
        lengths += numbers >= power
    return lengths


def _explain_unspellable(arrays: ProblemArrays, format: Format, vocabulary: Vocabulary) -> None:
    """Raise the error of the first row of each kind that the vocabulary cannot spell."""
    suspects = [int(np.argmin(arrays.operands.min(axis=1))), int(np.argmin(arrays.answers))]
    suspects += [int(np.argmax((arrays.operators == code).any(axis=1))) for code in np.unique(arrays.operators)]
    for row in suspects:
        format.spell(format.render(arrays.problem(row)), vocabulary)
