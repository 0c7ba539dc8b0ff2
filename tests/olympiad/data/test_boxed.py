r"""`#### N` becomes `\boxed{N}` with one backslash, and the last box of a solution is found whatever is in it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.olympiad.data.boxed import ConversionError, last_box, mark_to_box, plain_number

BACKSLASH = 0x5C
BOXED = [BACKSLASH, *map(ord, "boxed{")]


def seed_conversion(solution: str) -> str:
    """The faulty logic: a replacement whose backslashes were doubled once too often, and a pattern that stops early."""
    return re.sub(r"#### (-?[\d,]+)", lambda match: "\\\\boxed{" + match[1].replace(",", "") + "}", solution)


def unescaped_conversion(solution: str) -> str:
    """The faulty logic: `\\b` in a plain string is a backspace."""
    return re.sub(r"#### (-?\d+)", lambda match: "\boxed{" + match[1] + "}", solution)


CASES = {
    "72": "72",
    "1,234": "1234",
    "1,234,567": "1234567",
    "-5": "-5",
    "5.5": "5.5",
    "$18": "18",
    "-$18": "-18",
    "$-18": "-18",
    "$1,234.50": "1234.50",
    "42.": "42",
    ".5": "0.5",
    "3/4": "3/4",
}


@pytest.mark.row("S3-D2")
@pytest.mark.parametrize("written", CASES)
def test_law_1_one_mark_is_one_box_with_one_backslash(written: str) -> None:
    text, answer = mark_to_box(f"Half of it is left.\n#### {written}")
    assert text == "Half of it is left.\n" + chr(BACKSLASH) + "boxed{" + CASES[written] + "}"
    assert answer == CASES[written]


@pytest.mark.row("S3-D2")
def test_law_1_is_broken_by_the_published_conversion() -> None:
    assert seed_conversion("#### 72").count(chr(BACKSLASH)) == 2
    assert seed_conversion("#### 5.5").endswith("}.5")
    assert "####" in seed_conversion("#### $18")
    assert seed_conversion("#### 1\n#### 2").count("boxed") == 2


@pytest.mark.row("S3-D2")
@given(st.integers(-(10**9), 10**9), st.text(st.characters(exclude_characters="#", exclude_categories=["C"])))
def test_law_9_the_box_is_these_code_points_and_no_backspace(number: int, words: str) -> None:
    text, answer = mark_to_box(f"{words}\n#### {number:,}")
    box = text.removeprefix(f"{words}\n")
    assert [ord(character) for character in box[: len(BOXED)]] == BOXED
    assert "\x08" not in text
    assert answer == str(number) == last_box(text)


def test_law_9_is_broken_by_an_unescaped_b() -> None:
    assert "\x08" in unescaped_conversion("#### 72")


def test_of_several_marks_the_last_is_the_answer_and_the_only_box() -> None:
    assert mark_to_box("One.\n#### 12\nNo, two.\n#### 15\n") == ("One.\nNo, two.\n\\boxed{15}", "15")


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("It is 72.", "no ####"),
        ("It is #### 72 I think", "no ####"),
        ("#### 72\nOr so.", "text after ####"),
        ("#### about 72", "no number after ####"),
        ("####", "no number after ####"),
        ("#### 1,23", "no number after ####"),
        ("#### --5", "no number after ####"),
    ],
)
def test_what_cannot_be_converted_says_why(solution: str, reason: str) -> None:
    with pytest.raises(ConversionError, match=reason):
        mark_to_box(solution)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        (r"\boxed{1} or rather \boxed{2}", "2"),
        (r"so $\boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\fbox{ 7 }", "7"),
        (r"it is $\boxed 7$", "7"),
        (r"\boxed{3} and then \boxed{4", "3"),
        (r"\boxedx{3}", None),
        ("nothing", None),
    ],
)
def test_the_last_box_with_balanced_braces(text: str, box: str | None) -> None:
    assert last_box(text) == box


@given(st.text("0123456789-$,./ ", max_size=8))
def test_a_plain_number_is_plain_already(text: str) -> None:
    number = plain_number(text)
    assert number is None or plain_number(number) == number
