"""Generated problems: the same for a seed, different from each other, apart by split, and good English."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.olympiad.data.dataset import open_dataset
from longhand.olympiad.data.schemas import SCHEMAS
from longhand.olympiad.word_problems.draw import Draw, draw_for
from longhand.olympiad.word_problems.generate import GeneratedSource, distinct_problems, generate, normalised
from longhand.olympiad.word_problems.generate import write_problems as write
from longhand.olympiad.word_problems.problem import SPLITS, Split, problem_at, templates_of
from longhand.olympiad.word_problems.quantity import Quantity, UnitError, decimal_text, plain
from longhand.olympiad.word_problems.reread.skeleton import skeleton
from longhand.olympiad.word_problems.words import PEOPLE

PER_SPLIT = 600


@pytest.fixture(scope="module")
def questions() -> dict[Split, list[str]]:
    return {split: [row["question"] for row in generate(PER_SPLIT, 5, split)] for split in SPLITS}


@settings(max_examples=30)
@given(seed=st.integers(0, 2**40), index=st.integers(0, 10**9), split=st.sampled_from(sorted(SPLITS)))
def test_a_problem_hangs_on_seed_split_and_index_alone(seed: int, index: int, split: Split) -> None:
    first = problem_at(seed, split, index)
    problem_at(seed, split, index + 1)
    assert problem_at(seed, split, index).story == first.story


def test_a_longer_stream_begins_with_the_shorter_one_and_repeats_nothing() -> None:
    long = list(generate(400, 3))
    assert list(generate(100, 3)) == long[:100]
    assert list(generate(100, 4)) != long[:100]
    assert len({normalised(row["question"]) for row in long}) == 400


def test_train_and_test_share_no_template_and_no_form_of_a_question(questions: dict[Split, list[str]]) -> None:
    names = {split: {template.name for template in templates_of(split)} for split in SPLITS}
    assert not names["train"] & names["test"]
    assert names["train"] == names["new-numbers"]
    assert names["test"] == names["new-templates"]
    assert len(names["train"] | names["test"]) >= 60
    forms = {split: {skeleton(question) for question in found} for split, found in questions.items()}
    assert not (forms["train"] | forms["new-numbers"]) & (forms["test"] | forms["new-templates"])
    assert forms["train"] & forms["new-numbers"]  # so the forms are coarse enough to meet


@given(low=st.integers(-50, 50), count=st.integers(2, 80), step=st.integers(1, 9), seed=st.integers(0, 999))
def test_train_and_test_draw_from_two_ends_of_every_range(low: int, count: int, step: int, seed: int) -> None:
    drawn: dict[str, set[int]] = {}
    for part in ("low", "high"):
        draw: Draw = draw_for(seed, part, 0, part)  # type: ignore[arg-type]
        drawn[part] = {int(draw.number(low, low + (count - 1) * step, step=step).value) for _ in range(30)}
        assert drawn[part] <= set(range(low, low + count * step, step))
    assert max(drawn["low"]) < min(drawn["high"])


def test_steps_are_two_to_eight_and_every_template_is_told(questions: dict[Split, list[str]]) -> None:
    problems = list(distinct_problems(3000, 9))
    steps = Counter(len(problem.story.steps) for problem in problems)
    assert set(steps) == set(range(2, 9))
    assert {problem.template.name for problem in problems} == {template.name for template in templates_of("train")}
    operators = Counter(sign for row in generate(300, 9) for sign in re.findall(r"\d([-+*/])\d", row["answer"]))
    assert min(operators[sign] for sign in "+-*/") > 50


ARTICLE = re.compile(r"\b(?:[Aa] (?:[aeio]|hour)|[Aa]n (?!hour)[^aeio])")
ONE_OF_MANY = re.compile(r"(?<![\d.,] )(?<![\d.])\b1 (?:[a-z]+s|people)\b")
MANY_OF_ONE = re.compile(
    r"\b(?:[2-9]|\d\d+) (?:dollar|kilometre|metre|litre|gram|year|week|hour|minute|page|person|child|point|book)\b"
)
WOMEN = {person.name for person in PEOPLE if person.he == "she"}


def test_the_english_agrees_with_itself(questions: dict[Split, list[str]]) -> None:
    answers = [row["answer"] for split in SPLITS for row in generate(300, 6, split)]
    answers = [re.sub(r"\S+ = \$?<<.*?>>", "", text) for text in answers]
    for text in [question for found in questions.values() for question in found] + answers:
        assert not ARTICLE.search(text), text
        assert not ONE_OF_MANY.search(text), text
        assert not MANY_OF_ONE.search(text), text
        assert "  " not in text
        assert not re.search(r"[{}]| \.|\.\.|-\d", text), text
    for found in questions.values():
        assert all(question[0].isupper() or question[0].isdigit() for question in found)
        assert all(question.endswith("?") for question in found)


def test_pronouns_are_those_of_the_people(questions: dict[Split, list[str]]) -> None:
    names = {person.name for person in PEOPLE}
    for question in (question for found in questions.values() for question in found):
        people = [word for word in re.findall(r"[A-Z][a-z]+", question) if word in names]
        kinds = {"she" if name in WOMEN else "he" for name in people}
        if re.search(r"\b(?:[Hh]e|him|[Hh]is)\b", question):
            assert "he" in kinds, question
        if re.search(r"\b(?:[Ss]he|her)\b", question):
            assert "she" in kinds, question


def test_the_three_schemas_say_the_same() -> None:
    for gsm8k, numina, math in zip(*(generate(60, 2, "train", schema) for schema in SCHEMAS), strict=True):
        answer = gsm8k["answer"].rpartition("#### ")[2]
        assert numina["problem"] == math["problem"] == gsm8k["question"].replace("$", r"\$").replace("%", r"\%")
        assert f"\\boxed{{{answer}}}" in numina["solution"]
        assert numina["solution"] == math["solution"]
        assert [turn["content"] for turn in numina["messages"]] == [numina["problem"], numina["solution"]]
        assert re.fullmatch(r"Level [1-5]", math["level"])


@pytest.mark.parametrize("end", ["jsonl", "parquet"])
def test_files_are_written_whole_and_read_back(tmp_path: Path, end: str) -> None:
    path = tmp_path / f"train.{end}"
    assert write(path, 40, 1) == 40
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    read = [problem.question for problem in open_dataset(path).read()]
    assert read == [problem.question for problem in GeneratedSource(40, 1).read()]


def test_bad_input_is_one_line_and_writes_nothing(tmp_path: Path) -> None:
    for call in (
        lambda: write(tmp_path / "x.csv", 3),
        lambda: write(tmp_path / "x.jsonl", 0),
        lambda: write(tmp_path / "x.jsonl", 3, split="validation"),  # type: ignore[arg-type]
        lambda: write(tmp_path / "x.jsonl", 3, schema="mathqa"),  # type: ignore[arg-type]
        lambda: GeneratedSource(3, split="dev"),  # type: ignore[arg-type]
    ):
        with pytest.raises(UserError):
            call()
    assert list(tmp_path.iterdir()) == []
    assert json.loads(json.dumps(GeneratedSource(3).describe()))["generated"] == 3


def test_pens_and_dollars_are_not_added() -> None:
    with pytest.raises(UnitError):
        plain(3, "pen") + plain(4, "dollar")
    assert (plain(3, "pen") * plain(4, "dollar/pen")).unit == plain(1, "dollar").unit
    assert (plain(12, "metre") / plain(4, "metre")).unit == ()


@st.composite
def trees(draw: st.DrawFn) -> Quantity:
    found = plain(draw(st.integers(1, 40)))
    for _ in range(draw(st.integers(0, 6))):
        other = plain(draw(st.integers(1, 40)))
        if draw(st.booleans()):
            other = other + plain(draw(st.integers(1, 9))) if draw(st.booleans()) else other * draw(st.integers(1, 9))
        left, right = (found, other) if draw(st.booleans()) else (other, found)
        match draw(st.sampled_from("+-*/")):
            case "+":
                found = left + right
            case "-":
                found = left - right
            case "*":
                found = left * right
            case "/" if right.value:
                found = left / right
    return found


@given(trees())
def test_an_expression_is_written_with_the_brackets_it_needs(tree: Quantity) -> None:
    from longhand.olympiad.data.calculations import evaluate

    assert evaluate(tree.expression()) == tree.value


@given(st.integers(-(10**6), 10**6), st.integers(0, 6))
def test_decimals_are_exact_and_have_no_needless_zeros(digits: int, places: int) -> None:
    value = plain(digits).value / 10**places
    text = decimal_text(value)
    assert plain(1).value * value == type(value)(text)
    assert not ("." in text and text.endswith("0"))
    with pytest.raises(ValueError):
        decimal_text(plain(1).value / 3)
