"""Laws of formats, worked steps and vocabularies, for any numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Problem
from longhand.errors import UserError
from longhand.text.formats import Format, Style, split_cot
from longhand.text.presets import VOCABULARIES
from longhand.text.vocabulary import Vocabulary
from longhand.text.worked_steps import WORKED_STEPS, check_steps, write_steps

naturals = st.one_of(st.integers(0, 120), st.integers(0, 10**12))
numbers = st.one_of(naturals, naturals.map(lambda n: -n))
presets = st.sampled_from(list(VOCABULARIES.values()))


@st.composite
def problems(draw: st.DrawFn, steps: str = "none") -> Problem:
    """A problem that this kind of worked steps is for."""
    if steps == "running_sum" or (steps == "columns" and draw(st.booleans())):
        operands = draw(st.lists(naturals, min_size=2, max_size=5))
        return Problem(tuple(operands), ("+",) * (len(operands) - 1))
    operators = {
        "none": "+-*/",
        "columns": "+-",
        "partial_products": "*",
        "long_division": "/",
        "digitwise": "+-*/",
    }[steps]
    n_operators = draw(st.integers(1, 4)) if steps == "none" else 1
    chain = [draw(st.sampled_from(operators)) for _ in range(n_operators)]
    operands = [draw(numbers), *(draw(numbers.filter(bool) if o == "/" else numbers) for o in chain)]
    division = draw(st.sampled_from(["exact", "remainder"])) if len(chain) == 1 else "exact"
    if steps == "long_division" and division == "remainder":
        operands[0] = abs(operands[0])
    if steps == "digitwise":
        operands = [abs(operand) % 10**6 for operand in operands]
        operands[1] = max(operands[1], int(chain == ["/"]))
    return Problem(tuple(operands), tuple(chain), draw(st.sampled_from(["precedence", "left_to_right"])), division)


@st.composite
def written(draw: st.DrawFn) -> tuple[Format, Problem]:
    """A problem, and a format that can write it."""
    steps = draw(st.sampled_from(list(WORKED_STEPS)))
    problem = draw(problems(steps))
    longest_operand = max(len(str(abs(operand))) for operand in problem.operands)
    operand_width: Any = draw(st.sampled_from([None, "widest", longest_operand, longest_operand + 2]))
    if steps == "digitwise" and "/" in problem.operators and operand_width == longest_operand + 2:
        operand_width = min(operand_width, 6)
    width = max(len(write_steps(steps, problem, operand_width if isinstance(operand_width, int) else None)), 1)
    longest_answer = len(problem.answer)
    format = Format(
        style=draw(st.sampled_from(get_args(Style))),
        reverse_operands=draw(st.booleans()),
        reverse_answer=draw(st.booleans()),
        operand_width=operand_width,
        answer_width=draw(st.sampled_from([None, longest_answer, longest_answer + 3])),
        steps=steps,
        steps_width=None if steps == "none" else draw(st.sampled_from([None, width, width + 7])),
        begin=draw(st.booleans()),
        semantics=problem.semantics,
        division=problem.division,
    )
    return format, problem


@given(written())
def test_what_is_written_is_read_back(pair: tuple[Format, Problem]) -> None:
    format, problem = pair
    rendered = format.render(problem)
    parsed = format.parse(rendered.text)
    assert parsed.problem == problem
    assert parsed.answer == problem.answer
    assert parsed.cot == rendered.cot
    assert format.read_prompt(rendered.prompt) == problem
    assert format.prompt(problem) == rendered.prompt


@given(written(), st.data())
def test_every_answer_has_one_spelling(pair: tuple[Format, Problem], data: st.DataObject) -> None:
    format, problem = pair
    text = format.render(problem).answer
    place = data.draw(st.integers(0, len(text)))
    changed = (
        text[:place] + data.draw(st.text("0123456789-/r ", max_size=2)) + text[place + data.draw(st.integers(0, 2)) :]
    )
    answer = format.read_answer(changed)
    assert answer is None or format.write_answer(answer) == changed


@given(written())
def test_a_format_survives_json(pair: tuple[Format, Problem]) -> None:
    format, _ = pair
    assert Format.from_dict(json.loads(json.dumps(format.to_dict()))) == format


@given(st.sampled_from(list(WORKED_STEPS)).flatmap(lambda kind: st.tuples(st.just(kind), problems(kind))), st.data())
def test_steps_are_right_until_one_character_changes(pair: tuple[str, Problem], data: st.DataObject) -> None:
    kind, problem = pair
    text = write_steps(kind, problem)
    report = check_steps(kind, problem, text)
    assert report.all_true
    assert report.n_true == report.n_steps
    assume(text)
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != text[place]))
    changed = check_steps(kind, problem, text[:place] + character + text[place + 1 :])
    assert not changed.all_true
    assert changed.n_true < report.n_steps


@pytest.mark.row("S0-F2")
@given(problems("columns"))
def test_columns_are_true_equations_that_spell_the_answer(problem: Problem) -> None:
    steps = write_steps("columns", problem).split()
    assume(steps)
    sums = [step.split("=") for step in steps]
    assert all(parse_expression(left).answer == right for left, right in sums)
    digits = sums[-1][1] + "".join(total[-1] for _, total in reversed(sums[:-1]))
    assert int(digits) == abs(int(problem.answer))


@pytest.mark.row("S0-B4")
@given(problems("running_sum"))
def test_every_link_of_a_running_sum_is_worth_the_answer(problem: Problem) -> None:
    for link in write_steps("running_sum", problem).split("="):
        assert sum(int(number[::-1]) for number in link.split("+")) == int(problem.answer)


@given(problems("partial_products"))
def test_partial_products_are_true_equations_that_end_in_the_answer(problem: Problem) -> None:
    steps = write_steps("partial_products", problem).split()
    assume(steps)
    sums = [step.split("=") for step in steps]
    assert all(parse_expression(left).answer == right for left, right in sums)
    assert int(sums[-1][1]) == abs(int(problem.answer))


@given(problems("long_division"))
def test_long_division_brings_down_one_digit_after_the_other(problem: Problem) -> None:
    dividend, divisor = map(abs, problem.operands)
    steps = write_steps("long_division", problem).split()
    assume(steps)
    quotient = remainder = 0
    for digit, step in zip(str(dividend), steps, strict=True):
        left, right = step.split("=")
        part, by = map(int, left.split("/"))
        assert (part, by) == (10 * remainder + int(digit), divisor)
        assert right == parse_expression(left, division="remainder").answer
        quotient, remainder = 10 * quotient + int(right.split("r")[0]), int(right.split("r")[1])
    assert quotient * divisor + remainder == dividend


@pytest.mark.row("S4-X1")
@given(presets, st.data())
def test_ids_survive_text(vocabulary: Vocabulary, data: st.DataObject) -> None:
    ids = data.draw(st.lists(st.integers(0, len(vocabulary) - 1)))
    assert vocabulary.encode(vocabulary.decode(ids)) == ids


@given(presets, written())
def test_texts_survive_ids(vocabulary: Vocabulary, pair: tuple[Format, Problem]) -> None:
    format, problem = pair
    text = format.render(problem).text
    assume(vocabulary.can_spell(text))
    marked = vocabulary.roles.get("bos", "") + text + vocabulary.roles["eos"]
    assert vocabulary.decode(vocabulary.encode(marked)) == marked
    assert vocabulary.decode(vocabulary.encode(marked), skip_special=True) == text


@given(presets, written())
def test_the_parts_of_a_row_are_spelled_as_the_whole(vocabulary: Vocabulary, pair: tuple[Format, Problem]) -> None:
    format, problem = pair
    rendered = format.render(problem)
    assume(vocabulary.can_spell(rendered.text))
    assume(vocabulary.has_role("bos") or not format.begin)
    spelled = format.spell(rendered, vocabulary)
    bos = [vocabulary.id_of("bos")] if format.begin else []
    assert spelled.ids == [*bos, *vocabulary.encode(rendered.text), vocabulary.id_of("eos")]
    assert spelled.ids[: spelled.prompt_length] == format.spell_prompt(rendered.prompt, vocabulary)
    assert spelled.ids[spelled.answer_start : -1] == vocabulary.encode(rendered.answer)


@given(presets, st.text("0123456789+-*/=<>endthik WxΩ９\n", max_size=30))
def test_unknown_characters_stop_mark_or_vanish(vocabulary: Vocabulary, text: str) -> None:
    kept = replace(vocabulary, on_unknown="drop").encode(text)
    if vocabulary.has_role("unk"):
        marked = replace(vocabulary, on_unknown="unk").encode(text)
        assert [index for index in marked if index != vocabulary.id_of("unk")] == kept
    if vocabulary.can_spell(text):
        assert vocabulary.encode(text) == kept
    else:
        with pytest.raises(UserError, match="unknown character"):
            vocabulary.encode(text)


@given(presets)
def test_a_vocabulary_survives_json(vocabulary: Vocabulary) -> None:
    assert Vocabulary.from_dict(json.loads(json.dumps(vocabulary.to_dict()))) == vocabulary


@st.composite
def rows(draw: st.DrawFn) -> tuple[Format, Domain, Problem]:
    """A problem of a domain, and a format that can write every problem of it."""
    low = draw(st.integers(-1100, 1100))
    high = low + draw(st.integers(1, 1100))
    steps: Any = draw(st.sampled_from(["none", "columns"]))
    domain = Domain(operators=("+", "-"), min_operand=low, max_operand=high, negatives="allow")
    operands = draw(st.integers(low, high)), draw(st.integers(low, high))
    style: Any = draw(st.sampled_from(["expression", "question", "spaced"]))
    width: Any = draw(st.sampled_from([None, "widest", 4, 6]))
    answer_width = draw(st.sampled_from([None, 5]))
    format = Format(style=style, operand_width=width, answer_width=answer_width, steps=steps, begin=draw(st.booleans()))
    return format, domain, Problem(operands, (draw(st.sampled_from("+-")),))


@given(rows())
def test_no_row_is_longer_than_the_longest(row: tuple[Format, Domain, Problem]) -> None:
    format, domain, problem = row
    spelled = format.spell(format.render(problem), VOCABULARIES["unified"])
    prompt, completion = format.max_lengths(domain)
    assert spelled.prompt_length <= prompt
    assert len(spelled.ids) - spelled.prompt_length <= completion


@given(st.text("0123456789-/r=+ <think/>", max_size=40))
def test_reading_an_answer_never_fails(completion: str) -> None:
    answer = Format().read_answer(completion)
    assert answer is None or completion.endswith(answer)
    assert split_cot(completion)[1] == completion or completion.startswith("<think>")
