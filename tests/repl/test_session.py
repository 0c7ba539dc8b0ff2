"""Transcripts of sessions through a pipe: the documented layout, the verdict, and nothing that ends in a traceback."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from longhand.errors import UserError
from longhand.repl.session import Settings, run_session
from longhand.solvers.base import Completion, NextToken, Solver
from longhand.solvers.oracle import Oracle

Talk = Callable[..., list[str]]


@pytest.fixture
def talk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Talk:
    """Pipe lines into a session and return the lines it wrote."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def talk_with(solver: Solver, *lines: str, **settings: Any) -> list[str]:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        run_session(solver, Settings(**settings))
        return capsys.readouterr().out.splitlines()

    return talk_with


def after(lines: Sequence[str], question: str) -> list[str]:
    """What was written between a question and the blank line before the next."""
    start = lines.index(f"➤ Enter expression: {question}") + 1
    return list(lines[start : lines.index("", start) if "" in lines[start:] else None])


@pytest.mark.row("S0-I3", "S0-F3")
def test_the_layout_is_the_documented_one_and_the_numbers_are_right(oracle: Oracle, talk: Talk) -> None:
    assert after(talk(oracle, "99+21="), "99+21=") == [
        "💭 Generating completion for: 99+21=",
        "✨ Model output: 99+21=<think>9+1=10 9+2+1=12</think>120<end>",
        "🤔 Chain of thought:",
        "  99+21=",
        "  🧮 Think:",
        "    9+1=10 9+2+1=12",
        "  120<end>",
        "✅ Answer: 99+21=120",
        "Verdict: right",
    ]


@pytest.mark.parametrize(
    ("prompt", "answer", "verdict"),
    [
        ("9+1=", "❌ Answer: 9+1=9", "Verdict: wrong, it is 10"),
        ("9+2", "❌ Answer: 9+2=11", "Verdict: unfinished, no end mark within 2 tokens; it is 11"),
        ("9 + 3 =", "❌ Answer: 9+3=(none)", "Verdict: malformed, no answer can be read from it; it is 12"),
        ("9+4=", "❌ Answer: 9+4=199", "Verdict: out of range, no problem of its domain has this answer; it is 13"),
        ("What is 5 + 6?", "✅ Answer: 5+6=11", "Verdict: right"),
        ("100+1=", "✅ Answer: 100+1=101", "Verdict: right (outside the domain this model was trained on)"),
    ],
)
def test_the_judge_has_the_last_word(oracle: Oracle, talk: Talk, prompt: str, answer: str, verdict: str) -> None:
    assert after(talk(oracle, prompt), prompt)[-2:] == [answer, verdict]


@pytest.mark.row("S0-I2")
@pytest.mark.parametrize(
    ("typed", "unread"),
    [("abc", "'a', 'b', 'c'"), ("9-1=", "'-'"), ("9×1=", "'×'"), ("٣+1=", "'٣'"), ("1+a<think>a", "'a'")],
)
def test_what_the_model_cannot_read_is_one_line_that_says_what_it_reads(
    oracle: Oracle, talk: Talk, typed: str, unread: str
) -> None:
    lines = talk(oracle, typed, "1+1=")
    assert after(lines, typed) == [f"⚠️  Error: this model reads digits, '+' and '='; it cannot read {unread}"]
    assert after(lines, "1+1=")[-1] == "Verdict: right"


def test_a_prompt_the_solver_refuses_does_not_end_the_session(oracle: Oracle, talk: Talk) -> None:
    lines = talk(oracle, "7+", "1+1=")
    assert after(lines, "7+")[1].startswith("⚠️  Error: '7+' ends where a number is expected")
    assert "Verdict: right" in after(lines, "1+1=")


@pytest.mark.row("S0-I2")
@pytest.mark.parametrize("word", ["quit", "exit", "q", "QUIT", " exit "])
def test_a_word_ends_the_session(oracle: Oracle, talk: Talk, word: str) -> None:
    lines = talk(oracle, "", word, "1+1=")
    assert lines[-1].strip() == f"➤ Enter expression: {word.strip()}"
    assert not any("1+1" in line for line in lines)


def test_a_limit_of_tokens_cuts_off_and_is_said(oracle: Oracle, talk: Talk) -> None:
    assert after(talk(oracle, "99+21=", max_new_tokens=4), "99+21=")[-1] == (
        "Verdict: unfinished, no end mark within 4 tokens; it is 120"
    )


def test_piped_output_holds_no_escape_sequences(oracle: Oracle, talk: Talk) -> None:
    assert not any("\x1b" in line for line in talk(oracle, "99+21=", "abc"))


def test_symbols_are_left_out_where_they_cannot_be_written(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    output = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr("sys.stdin", io.StringIO("99+21=\n"))
    monkeypatch.setattr("sys.stdout", output)
    run_session(oracle)
    output.flush()
    assert "Answer: 99+21=120" in raw.getvalue().decode("ascii").splitlines()


@pytest.mark.row("S0-B16")
def test_in_probability_mode_the_user_chooses_every_token(oracle: Oracle, talk: Talk) -> None:
    choice = "➜ ENTER for the likeliest, a token, its #number, or done: "
    lines = talk(oracle, "9+5=", "", "#1", "", "#9", "x", "done", "quit", stepwise=True)
    start = lines.index("➤ Enter expression: 9+5=") + 1
    assert lines[start : start + 9] == [
        "",
        "📝 Current: 9+5=",
        "🎯 Top 1 predictions:",
        "  #1 '1' 100.00% ████████████████████",
        choice,
        "",
        "📝 Current: 9+5=1",
        "🎯 Top 1 predictions:",
        "  #1 '4' 100.00% ████████████████████",
    ]
    assert "Verdict: right" in lines  # the third ENTER was the end mark
    assert "✨ Model output: 9+5=14<end>" in lines


@pytest.mark.row("S0-B16")
def test_in_probability_mode_a_typed_token_and_done_are_taken(oracle: Oracle, talk: Talk) -> None:
    lines = talk(oracle, "9+5=", "#9", "x", "15", "done", "quit", stepwise=True)
    assert "⚠️  Error: #9 is none of the 1 that are shown" in lines
    assert any("unknown character 'x'" in line for line in lines)
    assert "📝 Current: 9+5=15" in lines
    assert "❌ Answer: 9+5=15" in lines
    assert lines[-1] == "➤ Enter expression: quit"
    ended = talk(oracle, "9+5=", "14<end>", "quit", stepwise=True)
    assert "Verdict: right" in ended
    assert "✨ Model output: 9+5=14<end>" in ended
    assert talk(oracle, "9+5=", "q", "1+1=", stepwise=True)[-1].endswith("done: q")


class _Plain:
    """A solver of the narrowest kind: no vocabulary, no format."""

    domain = None

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def solve(self, prompts: Sequence[str], *, seed: int = 0, **settings: Any) -> list[Completion]:
        self.seeds.append(seed)
        return [Completion(prompt, "4", "4", (1,), (math.log(0.5),), "stop", 0.0) for prompt in prompts]


def test_any_solver_can_be_talked_with(talk: Talk) -> None:
    plain = _Plain()
    lines = talk(plain, "2+2=", "2+2=", "hello", temperature=0.5)
    assert after(lines, "hello")[-1] == "✅ Answer: hello4"
    assert "✨ Model output: 2+2=4" in lines
    assert "Verdict: right" in lines
    assert len(set(plain.seeds)) == 3, "the same prompt is drawn anew"
    again = _Plain()
    talk(again, "2+2=", "2+2=", "hello", temperature=0.5)
    assert again.seeds == plain.seeds


def test_settings_that_would_be_ignored_are_refused(talk: Talk, oracle: Oracle) -> None:
    with pytest.raises(UserError, match="use mode normal"):
        talk(_Plain(), stepwise=True)
    with pytest.raises(UserError, match=r"temperature 0\.5 has no effect in probability mode"):
        talk(oracle, stepwise=True, temperature=0.5)
    assert isinstance(oracle, NextToken)
