"""The reader finds the answers of generated problems from their text alone, and notices what was changed."""

from __future__ import annotations

import ast
import random
import re
from fractions import Fraction
from pathlib import Path

import pytest

from longhand.olympiad.data.schemas import SCHEMAS, Schema
from longhand.olympiad.word_problems import reread
from longhand.olympiad.word_problems.generate import generate
from longhand.olympiad.word_problems.problem import SPLITS, Split
from longhand.olympiad.word_problems.reread.check import faults, read_answer
from longhand.olympiad.word_problems.reread.skeleton import skeleton


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("split", sorted(SPLITS))
def test_no_generated_row_has_a_fault(split: Split, schema: Schema) -> None:
    for row in generate(250, 17, split, schema):
        assert faults(row) == []


def test_the_reader_shares_nothing_with_the_templates() -> None:
    """It may know how boxes and arithmetic are read, but nothing of how the stories are made."""
    for file in Path(reread.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                if name.startswith("longhand.olympiad.word_problems"):
                    assert name.startswith("longhand.olympiad.word_problems.reread"), (file.name, name)


BY_HAND = {
    "Ann buys 3 packs of pens with 12 pens in each pack. She gives 7 pens to Ben."
    " How many pens does Ann have left?": 29,
    "Ann has 20 pens. Ben has twice as many pens as Ann. How many pens do Ann and Ben have together?": 60,
    "Ann is 12 years old. Ben is 3 years younger than Ann. How old will Ben be in 5 years?": 14,
    "Ann has 20 pens. She finds 4 more. She gives a third of her pens to Ben. How many pens does Ann have now?": 16,
    "There are 5 cells in a dish. Every hour there are three times as many as the hour before."
    " How many cells are there after two hours?": 45,
    "In two games Ann scores 3 and 5 points. What is the average of her points in a game?": 4,
}


@pytest.mark.parametrize("question", BY_HAND)
def test_questions_written_by_hand_are_understood(question: str) -> None:
    assert read_answer(question) == BY_HAND[question]


@pytest.mark.parametrize(
    "question",
    [
        "What is 2+3?",
        "Ann has 20 pens. Ben has twice as many marbles as Ann. How many pens do Ann and Ben have together?",
        "Ann has 20 pens. She finds 4 more. She juggles 3 of them. How many pens does Ann have now?",
        "Ann has 20 pens. She finds 4 more. How many pens does Ben have now?",
        "Ann has 20 pens. Ben has twice as many pens as Ann. How many pens do Ann and Cleo have together?",
    ],
)
def test_what_is_not_understood_has_no_answer(question: str) -> None:
    assert read_answer(question) is None


def test_a_changed_number_is_noticed() -> None:
    chance = random.Random(0)
    rows = list(generate(300, 23))
    kept = {"label": 0, "step": 0, "question": 0}
    for row in rows:
        steps, label = row["answer"].rsplit("\n", 1)
        wrong = int(Fraction(label.removeprefix("#### "))) + chance.choice((-1, 1))
        kept["label"] += not faults({**row, "answer": f"{steps}\n#### {wrong}"})
        kept["step"] += not faults({**row, "answer": changed(steps, chance) + "\n" + label})
        kept["question"] += not faults({**row, "question": changed(row["question"], chance)})
    assert kept["label"] == 0
    assert kept["step"] <= 6  # a number among the words can become another that is known
    assert kept["question"] <= 6  # one seat more may need as many buses


def changed(text: str, chance: random.Random) -> str:
    number = chance.choice(list(re.finditer(r"\d+", text)))
    return text[: number.start()] + str(int(number[0]) + 1) + text[number.end() :]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("3*12 = <<3*12=36>>36", "3*12 = <<3*12=35>>35", "3*12 is 36, not 35"),
        ("<<3*12=36>>36", "<<3*12=36>>37", "says two things"),
        ("3*12 = <<3*12=36>>36", "4*9 = <<4*9=36>>36", "comes from nowhere"),
        ("#### 29", "#### 30", "the label 30"),
        ("#### 29", "29", "no label"),
        ("Ann has 36-7", "So 36-7", ""),
        (" 36-7 = <<36-7=29>>29", "", "0 steps"),
    ],
)
def test_every_kind_of_fault_is_named(old: str, new: str, fault: str) -> None:
    question = "Ann buys 3 packs of pens with 12 pens in each pack. She gives 7 pens to Ben."
    question += " How many pens does Ann have left?"
    answer = "Ann buys 3*12 = <<3*12=36>>36 pens.\nAnn has 36-7 = <<36-7=29>>29 pens left.\n#### 29"
    assert faults({"question": question, "answer": answer}) == []
    assert old in answer
    found = faults({"question": question, "answer": answer.replace(old, new)})
    assert any(fault in text for text in found) if fault else not found


def test_a_skeleton_forgets_numbers_names_and_pronouns() -> None:
    first = "Ann buys 3 pens. She gives half of them to Ben."
    second = "Carlos buys 12 pens. He gives a third of them to Dora."
    assert skeleton(first) == skeleton(second) == "@ buys # pens. ^ gives # of them to @."
    assert skeleton(first) != skeleton(first.replace("gives", "sells"))
