"""Laws of answers that hold for every number and every text."""

from __future__ import annotations

import ast
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.olympiad.cases import cases
from tests.olympiad.renderings import renderings

import longhand.olympiad.answers
from longhand.errors import UserError
from longhand.olympiad.answers.bounded import MAX_BITS, NotANumberError
from longhand.olympiad.answers.contest import LARGEST, contest_integer
from longhand.olympiad.answers.extract import LENIENT, extract
from longhand.olympiad.answers.parse import parse, parse_number
from longhand.olympiad.answers.same import same
from longhand.olympiad.answers.tokens import MAX_LENGTH
from longhand.olympiad.answers.value import Group, Number, Words

NUMBERS = st.one_of(
    st.fractions(max_denominator=10**6).filter(lambda x: abs(x) < 10**30),
    st.integers(-(10**30), 10**30).map(Fraction),
    st.builds(lambda digits, places: Fraction(digits, 10**places), st.integers(-(10**40), 10**40), st.integers(0, 40)),
)
SIGNS = r"""
\boxed{ \frac \sqrt \binom { } ( ) [ ] \{ \} ^ _ ! / * + - = , ; . $ \text{ \overline{ \left \right \cdot % ° √ ½ 0 1 9
12 1,234 3.5 9^{9^9} 100000! x cm apples million or \bmod \lfloor \rfloor #### ** e5 E ٣ \\
"""
PIECES = st.sampled_from(SIGNS.split())
TEXTS = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=40).map("".join), st.lists(PIECES).map(" ".join))
BEFORE = st.sampled_from(
    ["", "So ", r"First \boxed{99}, but ", "It is 12.\n\n", r"$$x^{2}$$ and ", "#### 17\n", "} { "]
)
BEHIND = st.sampled_from(["", ".", "$", " as wanted.\n", r" within \boxed{}", "\n\n12 more", " }", r" {", r"\]"])


@pytest.mark.row("S3-E1")
@settings(max_examples=150)
@given(NUMBERS, BEFORE, BEHIND)
def test_what_is_put_into_a_box_comes_out_of_it(x: Fraction, before: str, behind: str) -> None:
    for written in renderings(x):
        found = extract(f"{before}\\boxed{{{written}}}{behind}")
        assert found is not None
        assert (found.rule, found.value) == ("boxed", x), written


@settings(max_examples=60)
@given(NUMBERS)
def test_hashes_and_phrases_carry_a_number_too(x: Fraction) -> None:
    for written in renderings(x):
        for text in (f"steps 1+1=2\n#### {written}", f"The answer is {written}.", f"**Answer:** {written}\n"):
            found = extract(text, LENIENT)
            assert found is not None
            assert found.value == x, text


@settings(max_examples=60)
@given(NUMBERS, NUMBERS)
def test_equal_numbers_are_the_same_however_written_and_others_are_not(x: Fraction, y: Fraction) -> None:
    ours = renderings(x)
    assert all(same(ours[0], other) and same(other, x) for other in ours)
    assert all(same(ours[0], other) == (x == y) for other in renderings(y))


@settings(max_examples=400)
@given(TEXTS, st.sampled_from(["unit", "hundredth"]))
@example("9^{9^{9}}", "unit")
@example("(" * 1000 + ")" * 1000, "unit")
@example("{" * 1000 + "1" + "}" * 999, "unit")
@example("-" * MAX_LENGTH, "unit")
@example("5" + "!" * 1000, "unit")
@example(r"\frac1" * 300, "unit")
@example("\\text{" * 300, "unit")
@example("2^" * 900 + "2", "unit")
@example("1" * 1999, "unit")
@example("(1,2)" * 300, "unit")
@example("((1,2),(3,4))" * 100, "unit")
@example("((((((1,2),3),4),5),6),7)", "unit")
@example("\\boxed{" * 200 + "5" + "}" * 200, "unit")
def test_any_text_is_read_without_an_error_and_is_the_same_as_itself(text: str, percent: str) -> None:
    assert percent in ("unit", "hundredth")
    answer = parse(text, percent)  # type: ignore[arg-type]
    assert isinstance(answer, Number | Group | Words)
    assert same(text, text)
    if isinstance(answer, Number):
        assert max(abs(answer.value.numerator), answer.value.denominator).bit_length() <= MAX_BITS
        assert parse_number(text, percent) == answer.value  # type: ignore[arg-type]
    else:
        with pytest.raises(NotANumberError):
            parse_number(text, percent)  # type: ignore[arg-type]
    for rule in LENIENT:
        extract(text, (rule,))


@settings(max_examples=200)
@given(TEXTS, TEXTS)
def test_sameness_has_no_direction(a: str, b: str) -> None:
    assert same(a, b) == same(b, a)


def test_answers_of_the_table_are_the_same_exactly_if_their_values_are() -> None:
    answers = [found for case in cases() if (found := extract(case.text, case.rules)) is not None]
    kinds = [(found.value, found.answer) for found in answers]
    for value, answer in kinds:
        for other, other_answer in kinds:
            if value is not None and other is not None:
                assert same(answer, other_answer) == (value == other)
            elif (value is None) != (other is None):
                assert not same(answer, other_answer)


@pytest.mark.parametrize(
    ("a", "b", "is_same"),
    [
        (r"\{1, 2\}", "2, 1", True), ("1 or 2", r"\{1,2\}", True), ("(1, 2)", "(2, 1)", False),
        ("(1, 2)", "[1, 2]", False), (r"\{1, 2\}", "(1, 2)", False), (r"\{\frac12, 3\}", r"\{3, 0.5\}", True),
        (r"\{1, 1\}", r"\{1\}", False), (r"\{5\}", "5", False), ("(1,234)", "(1, 234)", True),
        ("x^{2}+1", "x^2 + 1", True), ("x^2+1", "1+x^2", False), (r"\frac{a}{b}", r"\dfrac{a}{b}", True),
        (r"\frac{12}{b}", r"\frac{1}{2b}", False), ("2ab", "2 a b", True), ("2AB", "2ab", False),
        (r"\text{Yes}", "yes", True), (r"\text{(B)}", "B", True), ("B", "C", False), ("a", "A", False),
        ("John’s hat", "John's hat", True), ("5 cm", "5 m", False), (r"5\text{ cm}", r"5\text{ m}", True),
        ("10,5", "105", False), ("10,5", "10.5", False), ("2.5", "2", False), ("0.33", r"\frac13", False),
        ("50%", "50", True), ("50%", r"\frac12", False), (r"\sqrt{2}", r"\sqrt 2", True),
        ("9^{9^{9}}", "9^{9^9}", True),
        (r"\langle 1, 2\rangle", "(1, 2)", False), (r"[0,1)", r"\left[0, 1\right)", True), ("", " ", True),
    ],
)  # fmt: skip
def test_conventions_are_the_ones_written_down(a: str, b: str, is_same: bool) -> None:
    assert same(a, b) is is_same


def test_a_percent_sign_divides_by_a_hundred_only_if_that_is_asked_for() -> None:
    for written in ("50%", r"50\%", "50 percent", "50 per cent"):
        assert same(written, "50")
        assert same(written, "0.5", percent="hundredth")
        assert not same(written, "50", percent="hundredth")


@given(st.integers(-(10**7), 10**7))
def test_a_contest_takes_whole_numbers_of_five_digits_and_nothing_else(n: int) -> None:
    wanted = n if 0 <= n <= LARGEST else None
    assert contest_integer(str(n)) == contest_integer(f"{n:,}") == contest_integer(f"{n}.0") == wanted
    assert contest_integer(f"{n}.5") is None
    assert contest_integer(rf"\frac{{{7 * n}}}{{7}}") == wanted


@pytest.mark.parametrize("text", ["-1", "100000", "2.5", "99999.5", "x", "", "1, 2", "10^5", "0.99999", "1/3"])
def test_a_contest_refuses(text: str) -> None:
    assert contest_integer(text) is None


def test_decimals_of_forty_digits_are_exact() -> None:
    tenth, fifth = "0.1" + "0" * 38 + "1", "0.2" + "0" * 38 + "2"
    assert same(f"{tenth} + {fifth}", "0.3" + "0" * 38 + "3")
    assert not same(f"{tenth} + {fifth}", "0.3" + "0" * 38 + "4")
    assert float(tenth) == 0.1  # where a float would not see the difference


def test_no_float_is_written_anywhere_in_the_package() -> None:
    for path in Path(longhand.olympiad.answers.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path.name
            assert not (isinstance(node, ast.Name) and node.id in ("float", "sqrt", "log", "round")), path.name


def test_a_rule_that_does_not_exist_is_named() -> None:
    with pytest.raises(UserError, match="no rule 'boxes' to find an answer: take some of boxed, hashes, phrase, last"):
        extract("5", ("boxes",))  # type: ignore[arg-type]


def test_rules_are_tried_in_the_order_given() -> None:
    text = "#### 3\n\\boxed{4} The answer is 5. And 6."
    by_rule = {rule: extract(text, (rule,)) for rule in LENIENT}
    assert [found.value for found in by_rule.values() if found] == [4, 3, 5, 6]
    for rule, found in by_rule.items():
        assert extract(text, (rule, *LENIENT)) == found


def test_what_is_too_long_is_not_read() -> None:
    assert isinstance(parse("1+" * (MAX_LENGTH // 2) + "1"), Words)
    assert isinstance(parse("9" * 100_000), Words)
