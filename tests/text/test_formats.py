"""Formats: what they write, read, refuse, and how long it gets."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import Any, get_args

import pytest

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Division, Problem
from longhand.errors import UserError
from longhand.text.formats import STYLES, Format, Rendered, Style, split_cot
from longhand.text.presets import vocabulary
from longhand.text.vocabulary import Vocabulary
from longhand.text.worked_steps import Steps

DEMO = Format(operand_width=3, reverse_answer=True, answer_width=4)


def problem_of(text: str) -> Problem:
    return parse_expression(text, division="remainder" if "r" in text else "exact")


@pytest.mark.row("S0-F3", "S0-B1", "S0-B4", "S1-B3")
@pytest.mark.parametrize(
    ("format", "expression", "prompt", "target"),
    [
        (Format(), "951+11", "951+11=", "962"),
        (DEMO, "951+11", "951+011=", "2690"),
        (DEMO, "999+999", "999+999=", "8991"),
        (Format(style="question"), "65-62", "What is 65 - 62? ", "3"),
        (Format(style="spaced"), "86-11", "86 - 11 = ", "75"),
        (Format(style="spaced"), "5--3", "5 - -3 = ", "8"),
        (
            Format(style="chat"),
            "65-62",
            "<|im_start|>user\nWhat is 65 - 62?<|im_end|>\n<|im_start|>assistant\n",
            "3",
        ),
        (Format(reverse_operands=True, reverse_answer=True), "8+12", "8+21=", "02"),
        (Format(operand_width="widest"), "951+1+11", "951+001+011=", "963"),
        (Format(operand_width="widest", reverse_operands=True), "-7+100", "-700+001=", "93"),
        (Format(operand_width=3, reverse_operands=True), "-12-5", "-210-500=", "-17"),
        (Format(answer_width=4), "3-7", "3-7=", "-0004"),
        (Format(answer_width=4, reverse_answer=True), "3-20", "3-20=", "-7100"),
        (Format(answer_width=3, reverse_answer=True), "10/12", "10/12=", "500/600"),
        (Format(), "-1/3", "-1/3=", "-1/3"),
        (Format(steps="columns"), "99+21", "99+21=", "<think>9+1=10 9+2+1=12</think>120"),
        (Format(steps="columns"), "3+5", "3+5=", "8"),
        (Format(steps="running_sum"), "3+5+2", "3+5+2=", "<think>3+5+2=8+2=01</think>10"),
        (Format(steps="columns", steps_width=3), "3+5", "3+5=", "<think><noop><noop><noop></think>8"),
        (Format(steps="columns", steps_width=17), "99+21", "99+21=", "<think>9+1=10 9+2+1=12<noop><noop></think>120"),
    ],
)
def test_render(format: Format, expression: str, prompt: str, target: str) -> None:
    rendered = format.render(problem_of(expression))
    assert (rendered.prompt, rendered.target) == (prompt, target)
    assert rendered.text == prompt + target
    assert rendered.cot + rendered.answer == target


@pytest.mark.parametrize(
    ("format", "target"),
    [
        (Format(division="remainder"), "17r3"),
        (Format(division="remainder", reverse_answer=True), "71r3"),
        (Format(division="remainder", reverse_answer=True, answer_width=3), "710r300"),
        (Format(division="remainder", steps="long_division"), "<think>8/5=1r3 38/5=7r3</think>17r3"),
    ],
)
def test_quotient_and_remainder_are_two_numbers_each_written_like_an_answer(format: Format, target: str) -> None:
    assert format.render(Problem((88, 5), ("/",), division="remainder")).target == target


@pytest.mark.parametrize(
    ("format", "completion", "answer"),
    [
        (Format(), "962", "962"),
        (Format(), "-4", "-4"),
        (Format(), "0", "0"),
        (Format(), "1/3", "1/3"),
        (Format(), "<think>anything</think>962", "962"),
        (DEMO, "2690", "962"),
        (DEMO, "-4000", "-4"),
        (DEMO, "0000", "0"),
        (Format(reverse_answer=True), "02", "20"),
        (Format(division="remainder"), "-17r0", "-17r0"),
        (Format(division="remainder", reverse_answer=True, answer_width=2), "71r30", "17r3"),
    ],
)
def test_a_well_formed_answer_is_read_as_its_canonical_spelling(format: Format, completion: str, answer: str) -> None:
    assert format.read_answer(completion) == answer


@pytest.mark.parametrize(
    ("format", "completion"),
    [
        (Format(), ""),
        (Format(), " 962"),
        (Format(), "962 "),
        (Format(), "962\n"),
        (Format(), "962="),
        (Format(), "+962"),
        (Format(), "0962"),
        (Format(), "-0"),
        (Format(), "--4"),
        (Format(), "9-4"),
        (Format(), "1/03"),
        (Format(), "1/3/5"),
        (Format(), "17r3"),
        (Format(), "٣"),
        (Format(), "９"),
        (Format(), "<think>8+9=17"),
        (Format(), "<think>8+9=17</think>"),
        (Format(), "962<think></think>"),
        (Format(), "962<end>"),
        (Format(division="remainder"), "1/3"),
        (Format(division="remainder"), "17r"),
        (Format(reverse_answer=True), "20"),
        (DEMO, "269"),
        (DEMO, "26900"),
        (DEMO, "-0000"),
        (DEMO, "2690/1"),
        (Format(division="remainder", answer_width=2), "17r3"),
    ],
)
def test_anything_else_is_no_answer(format: Format, completion: str) -> None:
    assert format.read_answer(completion) is None


def test_an_endless_answer_is_read_without_complaint() -> None:
    assert Format().read_answer("9" * 100_000) == "9" * 100_000


@pytest.mark.parametrize(
    ("completion", "parts"),
    [
        ("847", ("", "847")),
        ("<think>8+9=17</think>847", ("8+9=17", "847")),
        ("<think>a</think>b</think>847", ("a</think>b", "847")),
        ("<think>8+9", ("8+9", "")),
        ("847<think>8</think>", ("", "847<think>8</think>")),
    ],
)
def test_worked_steps_reach_from_the_first_tag_to_the_last(completion: str, parts: tuple[str, str]) -> None:
    assert split_cot(completion) == parts


@pytest.mark.parametrize("style", get_args(Style))
def test_every_style_reads_the_plain_spellings_too(style: Style) -> None:
    for prompt in ("65-62=", "65 - 62 = ", "What is 65 - 62? ", "What is 65-62?", "65-62"):
        assert Format(style=style).read_prompt(prompt) == Problem((65, 62), ("-",))


@pytest.mark.row("S1-B3")
def test_digits_of_a_prompt_are_read_in_the_order_of_the_format() -> None:
    assert Format(reverse_operands=True).read_prompt("8+21=") == Problem((8, 12), ("+",))
    assert Format(reverse_operands=True, operand_width=3).read_prompt("-800-210=") == Problem((-8, 12), ("-",))


def test_zeros_in_front_are_read_only_where_the_format_fills() -> None:
    assert DEMO.read_prompt("951+011=") == Problem((951, 11), ("+",))
    with pytest.raises(UserError, match="011 has leading zeros"):
        Format().read_prompt("951+011=")


def test_problems_are_read_under_the_rules_of_the_format() -> None:
    assert Format(semantics="left_to_right").parse("9-7/1=2").problem.answer == "2"
    assert Format(division="remainder").parse("88/5=17r3").problem.answer == "17r3"


@pytest.mark.parametrize(("format", "text"), [(Format(), "951+11"), (Format(style="question"), "951+11=962")])
def test_a_text_that_asks_nothing_in_the_style_is_refused(format: Format, text: str) -> None:
    with pytest.raises(UserError, match="asks nothing in the style"):
        format.parse(text)


@pytest.mark.bug("S4-10")
def test_steps_full_of_equals_signs_do_not_move_the_answer() -> None:
    parsed = Format(steps="columns").parse("99+21=<think>9+1=10 9+2+1=12</think>120")
    assert parsed.cot == "<think>9+1=10 9+2+1=12</think>"
    assert parsed.answer == "120"


@pytest.mark.parametrize(
    ("format", "expression", "message"),
    [
        (DEMO, "1000+1", "1000 has 4 digits, which is more than format.operand_width 3"),
        (Format(answer_width=2), "99+1", "100 has 3 digits, which is more than format.answer_width 2"),
        (Format(steps="columns", steps_width=4), "99+21", "its steps take 15 tokens; raise format.steps_width"),
        (Format(steps="columns"), "99*21", "steps by columns are for"),
        (Format(), "12?7", "set format.style: expression and format.notation: schoolbook"),
        (Format(style="question", notation="schoolbook"), "12?7", "is asked as an expression and answered in rows"),
    ],
)
def test_what_does_not_fit_is_refused(format: Format, expression: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        format.render(problem_of(expression))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"style": "reversed"}, "format.style 'reversed' is unknown; choose expression, question, spaced, chat"),
        ({"steps": "column"}, "choose none, columns, running_sum, partial_products, long_division"),
        ({"semantics": "right_to_left"}, "choose precedence, left_to_right"),
        ({"division": "r"}, "choose exact, remainder"),
        ({"reverse_answer": "yes"}, "format.reverse_answer 'yes' is unknown; choose False, True"),
        ({"operand_width": 0}, "format.operand_width is 0; give a whole number of at least 1"),
        ({"operand_width": "wide"}, "format.operand_width is 'wide'"),
        ({"answer_width": "widest"}, "format.answer_width is 'widest'"),
        ({"answer_width": 2.0}, "format.answer_width is 2.0"),
        ({"answer_width": True}, "format.answer_width is True"),
        ({"steps": "columns", "steps_width": -1}, "format.steps_width is -1"),
        ({"steps_width": 10}, "format.steps_width fills worked steps"),
        ({"widths": 3}, "unknown key 'widths' in a format; known are style, "),
    ],
)
def test_impossible_formats_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Format.from_dict(settings)


def test_a_format_is_read_from_a_table_of_settings() -> None:
    with pytest.raises(UserError, match="'expression' is not a format; give some of style, "):
        Format.from_dict("expression")  # type: ignore[arg-type]


@pytest.mark.parametrize("format", [Format(), DEMO, Format(operand_width="widest", steps="columns", steps_width=40)])
def test_a_format_survives_json(format: Format) -> None:
    assert Format.from_dict(json.loads(json.dumps(format.to_dict()))) == format


def test_the_demo_row_in_ids() -> None:
    unified = vocabulary("unified")
    spelled = DEMO.spell(DEMO.render(problem_of("951+11")), unified)
    assert unified.decode(spelled.ids) == "951+011=2690<eos>"
    assert spelled.prompt_length == spelled.answer_start == len("951+011=")


@pytest.mark.row("S0-L1", "S0-B5")
def test_the_parts_of_a_row_begin_where_the_loss_needs_them() -> None:
    cot17 = vocabulary("cot17")
    format = Format(steps="columns", begin=True)
    spelled = format.spell(format.render(problem_of("99+21")), cot17)
    ids, prompt, answer = spelled.ids, spelled.prompt_length, spelled.answer_start
    assert cot17.decode(ids[:prompt]) == "<begin>99+21="
    assert cot17.decode(ids[prompt:answer]) == "<think>9+1=10 9+2+1=12</think>"
    assert cot17.decode(ids[answer:]) == "120<end>"
    assert format.spell_prompt("99+21=", cot17) == ids[:prompt]


def test_a_row_that_the_vocabulary_cannot_spell_is_refused() -> None:
    with pytest.raises(UserError, match=r"unknown character '-' at position 3 of '65-62='"):
        Format().spell(Format().render(problem_of("65-62")), vocabulary("cot16"))
    with pytest.raises(UserError, match="'cot16' has no bos token"):
        Format(begin=True).spell_prompt("1+2=", vocabulary("cot16"))


def test_a_chat_turn_is_spelled_by_a_vocabulary_built_from_one() -> None:
    format = Format(style="chat")
    rendered = format.render(problem_of("65-62"))
    chars = Vocabulary.from_corpus([rendered.text])
    assert chars.decode(format.spell(rendered, chars).ids, skip_special=True) == rendered.text


def lengths(format: Format, domain: Domain) -> tuple[int, int]:
    """The longest prompt and completion there are, by looking at every problem."""
    chars = Vocabulary.from_corpus([*map("".join, STYLES.values()), "r<think></think><noop>"])
    prompts, completions = set[int](), set[int]()
    for problem in domain:
        spelled = format.spell(format.render(problem), chars)
        prompts.add(spelled.prompt_length)
        completions.add(len(spelled.ids) - spelled.prompt_length)
    return max(prompts), max(completions)


@pytest.mark.bug("S0-5b")
@pytest.mark.parametrize(
    ("settings", "domain"),
    [
        ({}, Domain(max_operand=20)),
        ({"style": "question"}, Domain(max_operand=20)),
        ({"style": "spaced"}, Domain(operators=("+",), n_operands=3, max_operand=12)),
        ({"style": "chat"}, Domain(operators=("+",), n_operands=3, max_operand=12)),
        ({"begin": True}, Domain(operators=("*",), max_operand=20)),
        ({"operand_width": 3, "answer_width": 4}, Domain(max_operand=20)),
        ({"operand_width": "widest"}, Domain(max_operand=20, negatives="allow")),
        ({}, Domain(min_operand=-12, max_operand=5, negatives="allow")),
        ({"answer_width": 3}, Domain(min_operand=-12, max_operand=5, negatives="allow")),
        ({"division": "remainder", "answer_width": 2}, Domain(operators=("/",), max_operand=20, division="remainder")),
        ({"steps": "columns"}, Domain(max_operand=99)),
        ({"steps": "running_sum"}, Domain(operators=("+",), max_operand=99)),
        ({"steps": "partial_products"}, Domain(operators=("*",), max_operand=99)),
        ({"steps": "columns", "steps_width": 30}, Domain(max_operand=20)),
        ({"steps": "columns"}, Domain(max_operand=9)),
    ],
)
def test_the_longest_row_is_known_without_writing_any(settings: dict[str, Any], domain: Domain) -> None:
    format = Format(**settings)
    assert format.max_lengths(domain) == lengths(format, domain)


@pytest.mark.parametrize("division", get_args(Division))
@pytest.mark.parametrize("steps", ["none", "long_division"])
@pytest.mark.parametrize("max_operand", [7, 30, 75])
def test_no_division_exceeds_the_longest_row(division: Division, steps: Steps, max_operand: int) -> None:
    format = Format(steps=steps, division=division)
    domain = Domain(operators=("/",), max_operand=max_operand, division=division)
    bounds, longest = format.max_lengths(domain), lengths(format, domain)
    assert all(bound >= length for bound, length in zip(bounds, longest, strict=True))


def test_the_longest_row_of_many_operands_is_known_at_once() -> None:
    domain = Domain(operators=("+",), n_operands=50, max_operand=99)
    prompt, completion = Format(steps="running_sum").max_lengths(domain)
    assert prompt == 50 * 2 + 49 + 1
    assert completion > 2 * prompt


def test_operands_that_cannot_fit_are_known_before_any_row_is_written() -> None:
    with pytest.raises(UserError, match="1000 has 4 digits"):
        DEMO.max_lengths(Domain(max_operand=1000))


def test_a_rendered_problem_is_a_value() -> None:
    assert DEMO.render(problem_of("1+2")) == Rendered("001+002=", "3000", "")
    assert replace(DEMO, steps="columns").render(problem_of("1+2")) == DEMO.render(problem_of("1+2"))


def test_demo_rows_differ_only_where_their_numbers_do() -> None:
    texts = {DEMO.render(Problem(pair, ("+",))).text for pair in product(range(0, 1000, 37), repeat=2)}
    assert {len(text) for text in texts} == {12}
    assert len(texts) == 28**2


@pytest.mark.row("S1-N3")
@pytest.mark.parametrize("style", ["expression", "question"])
@pytest.mark.parametrize("expression", ["65-62", "5-8", "99*99", "0+0"])
@pytest.mark.parametrize("reverse", [False, True])
def test_what_is_written_as_asked_is_read_as_asked(style: Style, expression: str, reverse: bool) -> None:
    problem = problem_of(expression)
    asked = Format(style=style).prompt(problem)
    format = Format(style="as_asked", reverse_answer=reverse)
    rendered = format.as_asked(asked).render(problem)
    assert rendered.prompt == asked
    parsed = format.parse(rendered.text)
    assert (parsed.problem, parsed.answer) == (problem, problem.answer)
    assert format.read_prompt(asked) == problem


def test_only_the_style_as_asked_depends_on_how_it_was_asked() -> None:
    assert Format(style="spaced").as_asked("What is 1 + 2?") == Format(style="spaced")
    assert Format(style="as_asked").as_asked(" what is 1+2 ?") == Format(style="question")
    assert Format(style="as_asked").as_asked("86 - 11 =") == Format(style="expression")
    longest = Format(style="question").max_lengths(Domain(max_operand=99))
    assert Format(style="as_asked").max_lengths(Domain(max_operand=99)) == longest
