"""One spelling for what looks alike, in training and in evaluation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from longhand.olympiad.data.characters import normalise_characters
from longhand.olympiad.data.schemas import to_word_problem

CURLY = "Ann\u2019s \u201cbig\u201d box \u2013 5\u00a0pens \u2212 2\u2026"


def test_law_7_question_and_solution_are_spelt_alike() -> None:
    row = {"question": CURLY, "answer": CURLY + "\n#### 3"}
    problem = to_word_problem(row, "gsm8k", "x")
    plain = 'Ann\'s "big" box - 5 pens - 2...'
    assert problem.question == plain
    assert problem.solution == plain + "\n\\boxed{3}"
    assert normalise_characters(CURLY) == plain  # what whoever asks a model applies
    faulty = {"question": row["question"], "solution": normalise_characters(row["answer"])}  # one side only
    assert ("'" in faulty["solution"]) != ("'" in faulty["question"])


@given(st.text())
def test_twice_is_once_and_ascii_stays(text: str) -> None:
    once = normalise_characters(text)
    assert normalise_characters(once) == once
    assert "\r" not in once
    if text.isascii() and "\r" not in text:
        assert once == text


def test_signs_of_mathematics_and_letters_stay() -> None:
    assert normalise_characters("3 × 4 ÷ 2 = 6 €, Zoë, ½, π²") == "3 × 4 ÷ 2 = 6 €, Zoë, ½, π²"
    assert normalise_characters("Zoe\u0308") == "Zoë"
