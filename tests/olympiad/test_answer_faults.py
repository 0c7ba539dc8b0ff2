"""What went wrong in MathLLM with answers; each law is held here and broken by a small copy of the faulty logic."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from longhand.olympiad.answers.extract import STRICT, extract
from longhand.olympiad.answers.grade import Tally, grade
from longhand.olympiad.answers.same import same


def faulty_answer(text: str) -> int | None:
    """The first box, without its commas; of the numbers in it the last, cut to a whole one."""
    box = re.search(r"\\boxed\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}", text)
    numbers = re.findall(r"-?\d+(?:\.\d+)?", box[1].replace(",", "")) if box else []
    return int(float(numbers[-1])) if numbers else None


def faulty_box(row: str) -> str:
    """A row of GSM8K with a box: two backslashes, and only the digits and commas that follow at once."""
    return re.sub(r"#### (-?\d[\d,]*)", r"\\\\boxed{\1}", row)


def value(text: str) -> Fraction | None:
    found = extract(text)
    return found.value if found is not None else None


@pytest.mark.bug("S3-19a")
def test_the_last_box_is_the_answer() -> None:
    text = r"First I thought \boxed{3}. That is wrong: \boxed{4}."
    assert value(text) == 4
    assert faulty_answer(text) == 3


@pytest.mark.bug("S3-19b")
@pytest.mark.parametrize(
    ("text", "right", "faulty"),
    [
        (r"\boxed{\frac{1}{2}}", Fraction(1, 2), 2),
        (r"\boxed{\dfrac{22}{7}}", Fraction(22, 7), 7),
        (r"\boxed{1{,}234}", Fraction(1234), 234),
        (r"\boxed{2^{10}}", Fraction(1024), 10),
        (r"\boxed{\binom{5}{2}}", Fraction(10), 2),
        (r"\boxed{5!}", Fraction(120), 5),
        (r"\boxed{5\text{ cm}^2}", Fraction(5), 2),
    ],
)
def test_an_answer_is_read_whole_and_not_by_its_last_number(text: str, right: Fraction, faulty: int) -> None:
    assert value(text) == right
    assert faulty_answer(text) == faulty != right


@pytest.mark.bug("S3-19c")
@pytest.mark.parametrize(
    ("answer", "truth"), [("3.9", "3"), ("2.5", "2"), ("10,5", "105"), ("2", "2.5"), ("-0.5", "0")]
)
def test_nothing_is_cut_off_or_run_together_to_make_a_whole_number(answer: str, truth: str) -> None:
    assert grade(f"\\boxed{{{answer}}}", truth).verdict == "wrong"
    assert faulty_answer(f"\\boxed{{{answer}}}") == int(float(truth))  # right by its count


@pytest.mark.bug("S3-19d")
def test_problems_whose_truth_is_no_whole_number_stay_in_the_denominator_and_are_counted() -> None:
    problems = [("\\boxed{72}", "72"), ("\\boxed{3}", "2.5"), ("no answer", "\\frac{1}{2}"), ("\\boxed{x+1}", "x + 1"),
                ("\\boxed{y}", "x + 1"), ("\\boxed{(1,2)}", "5")]  # fmt: skip
    tally = Tally()
    for text, truth in problems:
        tally.add(grade(text, truth))
    assert tally.total == len(problems) == sum(tally.verdicts.values())
    assert tally.verdicts == {"right": 2, "wrong": 3, "missing": 1}
    assert tally.accuracy == Fraction(2, 6)
    assert (tally.not_numeric, tally.truths_not_numeric) == (3, 2)
    assert tally.rules == {"boxed": 5}
    # A tally of whole truths only, as the faulty one was, claims a half.
    whole = [(text, truth) for text, truth in problems if truth.isdigit()]
    assert sum(faulty_answer(text) == int(truth) for text, truth in whole) * 2 == len(whole)
    assert Tally().accuracy == 0


@pytest.mark.parametrize("number", ["72", "1,234", "-5", "5.5", "$18", "0", "1,234.50"])
def test_the_number_of_a_row_comes_out_of_its_box_unchanged(number: str) -> None:
    """Issue 1: what turns `#### N` into a box is checked by reading it again."""
    row = f"3 + 4 = <<3+4=7>>7\n#### {number}"
    truth = extract(row, ("hashes",))
    assert truth is not None
    assert truth.text == number
    assert extract(f"3 + 4 = 7\n\\boxed{{{number}}}", ("boxed",)).value == truth.value is not None  # type: ignore[union-attr]
    assert extract(faulty_box(row), ("boxed",)) is None


def test_of_two_marked_numbers_in_a_row_the_last_counts() -> None:
    assert extract("#### 3\nNo, I forgot one.\n#### 4", STRICT).value == 4  # type: ignore[union-attr]


def test_a_box_begins_with_exactly_one_backslash() -> None:
    """Issue 9: `\\b` in a string that is not raw is a backspace, and two backslashes are a new line of TeX."""
    box = "\\boxed{72}"
    assert [ord(character) for character in box[:6]] == [92, 98, 111, 120, 101, 100]
    assert value(box) == 72
    assert value("\boxed{72}") is None
    assert value("\\" + box) is None
    assert value("\\\\" + box) == 72
    assert faulty_answer("\\" + box) == 72  # a search for the word takes it, and the fault goes unseen


def test_every_spelling_of_an_apostrophe_is_the_same_answer() -> None:
    """Issue 7."""
    assert "Ann’s" != "Ann's"
    assert same("Ann’s", "Ann's")
    assert extract("Ann’s share is \\boxed{5}").value == 5  # type: ignore[union-attr]


@pytest.mark.parametrize("rule", ["hashes", "phrase", "last number"])
def test_notes_of_a_calculator_are_no_part_of_an_answer(rule: str) -> None:
    """Issue 11."""
    text = {"hashes": "#### <<48/2=24>>24", "phrase": "The answer is <<48/2=24>>24.", "last number": "24 <<48/2=99>>"}[
        rule
    ]
    assert extract(text, (rule,)).value == 24  # type: ignore[arg-type, union-attr]
    assert re.findall(r"\d+", "24 <<48/2=99>>")[-1] == "99"
