from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Problem
from longhand.data import encode
from longhand.data.arrays import domain_arrays, from_problems, sample_arrays
from longhand.data.digitwise import count_steps
from longhand.data.encode import encode_arrays, longest_row
from longhand.data.keyed import keyed_generator
from longhand.errors import UserError
from longhand.text.digitwise import digitwise
from longhand.text.formats import Format, Style
from longhand.text.presets import VOCABULARIES, vocabulary
from longhand.text.vocabulary import Vocabulary

UNIFIED = vocabulary("unified")
MERGED = Vocabulary("merged", (*UNIFIED.tokens, "12", "=-", "5+"), UNIFIED.roles)  # tokens across digits
WIDE = Vocabulary("wide", (*(f"<{i}>" for i in range(300)), *UNIFIED.tokens), UNIFIED.roles)
DROPPING = replace(vocabulary("poc16"), on_unknown="drop")
UNKNOWING = Vocabulary("unknowing", ("<pad>", "<eos>", "<bos>", "?", *"0123456789+"),
                       {"pad": "<pad>", "eos": "<eos>", "bos": "<bos>", "unk": "?"}, "unk")  # fmt: skip
CHATTY = Vocabulary(
    "chatty",
    tuple(dict.fromkeys((*UNIFIED.tokens, "<|im_start|>", "<|im_end|>", "user", *"assistant\n"))),
    UNIFIED.roles,
)
SPELLERS = [*VOCABULARIES.values(), MERGED, WIDE, DROPPING, UNKNOWING, CHATTY]


@st.composite
def problems(draw: st.DrawFn) -> list[Problem]:
    k = draw(st.integers(2, 4))
    division = draw(st.sampled_from(["exact", "remainder"])) if k == 2 else "exact"
    semantics = draw(st.sampled_from(["precedence", "left_to_right"]))
    digits = draw(st.integers(1, 4))
    operands = st.lists(st.integers(-(10**digits) + 1, 10**digits - 1), min_size=k, max_size=k)
    operators = st.lists(st.sampled_from("+-*/" if division == "remainder" else "+-*"), min_size=k - 1, max_size=k - 1)
    rows = draw(st.lists(st.tuples(operands, operators), min_size=1, max_size=12))
    rows = [(numbers, chain) for numbers, chain in rows if not (chain == ["/"] and numbers[1] == 0)]
    return [Problem(tuple(n), tuple(c), semantics, division) for n, c in rows]  # type: ignore[arg-type]


formats = st.builds(
    Format,
    style=st.sampled_from(get_args(Style)),
    reverse_operands=st.booleans(),
    reverse_answer=st.booleans(),
    operand_width=st.sampled_from([None, 3, 4, 6, "widest", 25]),
    answer_width=st.sampled_from([None, 4, 8, 17, 25]),
    begin=st.booleans(),
)

digitwise_formats = st.builds(
    Format,
    style=st.sampled_from(get_args(Style)),
    reverse_answer=st.booleans(),
    operand_width=st.sampled_from([None, 3, 4, 6, 7, "widest"]),
    answer_width=st.sampled_from([None, 8]),
    steps=st.just("digitwise"),
    begin=st.booleans(),
    division=st.just("remainder"),
)


@st.composite
def pairs(draw: st.DrawFn) -> list[Problem]:
    """Problems of two numbers of at least 0."""
    number = st.integers(0, 10 ** draw(st.integers(1, 4)) - 1)
    rows = draw(st.lists(st.tuples(number, st.sampled_from("+-*/"), number), min_size=1, max_size=12))
    return [Problem((a, b + (o == "/")), (o,), division="remainder") for a, o, b in rows]


def expected_rows(chosen: list[Problem], format: Format, speller: Vocabulary) -> list[tuple[list[int], int, int]]:
    spelled = [format.spell(format.render(problem), speller) for problem in chosen]
    return [(row.ids, row.prompt_length, row.answer_start) for row in spelled]


@settings(max_examples=400)
@given(
    st.one_of(st.tuples(problems(), formats), st.tuples(pairs(), digitwise_formats)),
    st.sampled_from(SPELLERS),
)
def test_rows_are_those_of_format_and_vocabulary(written: tuple[list[Problem], Format], speller: Vocabulary) -> None:
    chosen, format = written
    if not chosen:
        return
    arrays = from_problems(chosen)
    try:
        expected = expected_rows(chosen, format, speller)
    except UserError:
        with pytest.raises(UserError):
            encode_arrays(arrays, format, speller)
        return
    tokens = encode_arrays(arrays, format, speller)
    rows = [(tokens.row(i), int(tokens.prompt_lengths[i]), int(tokens.answer_starts[i])) for i in range(len(tokens))]
    assert rows == expected
    assert tokens.ids.shape == (len(chosen), max(len(ids) for ids, _, _ in expected))
    assert tokens.ids.dtype == (np.uint16 if speller is WIDE else np.uint8)
    beyond = np.arange(tokens.ids.shape[1]) >= tokens.lengths[:, None]
    assert (tokens.ids[beyond] == speller.id_of("pad")).all()


@given(pairs(), st.integers(4, 6))
def test_steps_digit_by_digit_are_counted_without_writing_them(chosen: list[Problem], width: int) -> None:
    counted = count_steps(from_problems(chosen), width).tolist()
    assert counted == [len(digitwise(problem, width)) for problem in chosen]


@pytest.mark.parametrize("operand", [10**17, 9 * 10**17 + 8, 2 * 10**18])
def test_numbers_of_up_to_nineteen_digits_are_spelled(operand: int) -> None:
    chosen = [Problem((operand, 1), ("+",)), Problem((7, operand), ("-",)), Problem((0, 0), ("+",))]
    for format in (Format(), Format(reverse_answer=True, reverse_operands=True), Format(operand_width="widest")):
        tokens = encode_arrays(from_problems(chosen), format, UNIFIED)
        assert [tokens.row(i) for i in range(3)] == [row[0] for row in expected_rows(chosen, format, UNIFIED)]


@pytest.mark.parametrize("n", [1, 5, 16, 17, 40])
def test_chunks_join_without_a_seam(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "CHUNK", 8)
    arrays = sample_arrays(Domain(), keyed_generator("seam"), n)
    tokens = encode_arrays(arrays, Format(), UNIFIED)
    assert [tokens.row(i) for i in range(n)] == [row[0] for row in expected_rows(arrays.problems(), Format(), UNIFIED)]


def test_worked_steps_stand_between_prompt_and_answer() -> None:
    chosen = [Problem((658, 189), ("+",)), Problem((3, 5), ("+",))]
    tokens = encode_arrays(from_problems(chosen), Format(steps="columns"), vocabulary("cot16"))
    row = tokens.row(0)
    cot16 = vocabulary("cot16")
    assert cot16.decode(row[: tokens.prompt_lengths[0]]) == "658+189="
    assert cot16.decode(row[tokens.answer_starts[0] :]) == "847<end>"
    assert tokens.answer_starts[1] == tokens.prompt_lengths[1] == 4


def test_the_fast_way_is_taken_for_every_plain_format(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("rows were encoded one by one")

    monkeypatch.setattr(encode, "encode_problems", refuse)
    arrays = domain_arrays(Domain(max_operand=3))
    for style in get_args(Style):
        format = Format(style=style, operand_width=3, answer_width=2)
        assert len(encode_arrays(arrays, format, CHATTY)) == len(arrays)


@pytest.mark.parametrize(
    ("problem", "format", "name", "message"),
    [
        (Problem((3, 1), ("-",)), Format(), "cot16", "unknown character '-'"),
        (Problem((1, 3), ("-",), "left_to_right"), Format(), "cot16", "unknown character '-'"),
        (Problem((3, 2), ("*",)), Format(), "poc16", r"unknown character '\*'"),
        (Problem((3, 2), ("+",)), Format(style="question"), "poc16", "unknown character 'W'"),
        (
            Problem((7, 2), ("/",), division="remainder"),
            Format(division="remainder"),
            "mini18",
            "unknown character 'r'",
        ),
        (Problem((3, 2), ("+",)), Format(begin=True), "cot16", "has no bos token"),
        (Problem((1234, 2), ("+",)), Format(operand_width=3), "unified", "1234 has 4 digits"),
        (Problem((999, 2), ("+",)), Format(answer_width=3), "unified", "1001 has 4 digits"),
    ],
)
def test_what_cannot_be_spelled_is_named(problem: Problem, format: Format, name: str, message: str) -> None:
    harmless = Problem((1, 1), ("+",), problem.semantics, problem.division)
    with pytest.raises(UserError, match=message):
        encode_arrays(from_problems([harmless, problem]), format, vocabulary(name))


@pytest.mark.parametrize("speller", [UNIFIED, CHATTY])
@pytest.mark.parametrize("style", ["expression", "question", "spaced", "chat"])
def test_no_row_of_a_domain_is_longer_than_its_bound(style: Style, speller: Vocabulary) -> None:
    if style == "chat" and speller is UNIFIED:
        return
    for domain in (Domain(max_operand=120), Domain(min_operand=-11, max_operand=9, negatives="allow")):
        format = Format(style=style, begin=True)
        assert encode_arrays(domain_arrays(domain), format, speller).longest == longest_row(domain, format, speller)


def test_no_problems_give_no_rows() -> None:
    arrays = domain_arrays(Domain(max_operand=3), 5, 5)
    assert len(encode_arrays(arrays, Format(), UNIFIED)) == 0
