"""The tokenizer of our own keeps every text, and every digit is a token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.olympiad.tokenizer import SMALLEST, SPECIALS, load_tokenizer, save_tokenizer, train_bpe


def ids_of(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


@given(text=st.text())
def test_any_text_comes_back_as_it_was(bpe: Any, text: str) -> None:
    assert bpe.decode(ids_of(bpe, text), skip_special_tokens=False) == text


@given(number=st.integers(0, 10**12))
def test_every_digit_is_a_token(bpe: Any, number: int) -> None:
    assert len(ids_of(bpe, str(number))) == len(str(number))


def test_the_marks_of_turns_are_one_token_each(bpe: Any) -> None:
    assert [len(ids_of(bpe, mark)) for mark in SPECIALS] == [1, 1, 1]
    assert (bpe.eos_token, bpe.pad_token) == ("<|im_end|>", "<|endoftext|>")
    assert len(bpe) <= 512
    assert len(ids_of(bpe, "How many pencils does she have left?")) < 20  # it has learnt words


def test_it_is_saved_and_loaded_and_the_same_corpus_gives_the_same(bpe: Any, tmp_path: Path) -> None:
    save_tokenizer(bpe, tmp_path / "bpe")
    loaded = load_tokenizer(tmp_path / "bpe")
    text = "Ann has 12 pens.\n\nHow many?"
    assert ids_of(loaded, text) == ids_of(bpe, text)
    assert loaded.chat_template == bpe.chat_template
    assert loaded.eos_token_id == bpe.eos_token_id
    corpus = ["some text of some words"] * 5
    first, second = (train_bpe(corpus, 300).backend_tokenizer.to_str() for _ in range(2))
    assert first == second


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=str(SMALLEST)):
        train_bpe(["x"], 100)
    with pytest.raises(UserError, match=r"tokenizer\.json"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match="cannot be read"):
        load_tokenizer(tmp_path)
