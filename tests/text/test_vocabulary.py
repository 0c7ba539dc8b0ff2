"""Vocabularies: what they spell, refuse, and survive being saved as."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from typing import Any

import pytest

from longhand.errors import UserError
from longhand.text.presets import VOCABULARIES, vocabulary
from longhand.text.vocabulary import Vocabulary

TINY = Vocabulary("tiny", ("<pad>", "1", "2", "12", "+", "?"), {"pad": "<pad>", "unk": "?"})


def test_the_longest_token_that_fits_is_read_first() -> None:
    assert TINY.encode("12+1+21") == [3, 4, 1, 4, 2, 1]


@pytest.mark.bug("S4-6")
def test_an_unknown_character_is_named_with_its_place_counted_from_one() -> None:
    with pytest.raises(UserError, match=r"unknown character 'x' at position 3 of '1\+x1'; vocabulary 'tiny'"):
        TINY.encode("1+x1")


def test_an_error_shows_only_the_beginning_of_a_long_text() -> None:
    with pytest.raises(UserError, match=r"position 301 of '(12){30}\.\.\.'"):
        TINY.encode("12" * 150 + "x")


@pytest.mark.row("S1-V1")
def test_an_unknown_character_becomes_unk_if_so_chosen() -> None:
    assert replace(TINY, on_unknown="unk").encode("1xy2") == [1, 5, 5, 2]


def test_an_unknown_character_is_left_out_if_so_chosen() -> None:
    assert replace(TINY, on_unknown="drop").encode("1xy2") == [1, 2]


def test_a_newline_is_a_character_like_others() -> None:
    with pytest.raises(UserError, match=r"'\\n' at position 2"):
        TINY.encode("1\n")


def test_can_spell_asks_for_every_character_whatever_becomes_of_unknown_ones() -> None:
    assert TINY.can_spell("12+1")
    assert not replace(TINY, on_unknown="drop").can_spell("12*1")


@pytest.mark.parametrize("spelling", ["<end>", "<EOS>", "<eos>", "<END>"])
@pytest.mark.parametrize("name", VOCABULARIES)
def test_every_spelling_of_the_end_mark_is_read_and_the_own_one_written(name: str, spelling: str) -> None:
    chosen = vocabulary(name)
    assert chosen.encode(f"5{spelling}") == [*chosen.encode("5"), chosen.id_of("eos")]
    assert chosen.decode(chosen.encode(spelling)) == chosen.roles["eos"]


def test_a_spelling_that_is_a_token_of_its_own_keeps_its_id() -> None:
    both = Vocabulary("both", ("<end>", "<eos>"), {"eos": "<end>"})
    assert both.encode("<eos><end>") == [1, 0]


def test_a_tag_of_a_role_that_nothing_plays_is_unknown() -> None:
    with pytest.raises(UserError, match=r"unknown character '<' at position 1 of '<begin>5'"):
        vocabulary("cot16").encode("<begin>5")


def test_a_space_is_written_as_the_separator_where_there_is_no_space() -> None:
    cot16 = vocabulary("cot16")
    assert cot16.encode("17 5") == [1, 7, 15, 5]
    assert cot16.decode([1, 7, 15, 5]) == "17 5"


def test_a_separator_between_a_prompt_and_worked_steps_is_a_space() -> None:
    cot16 = vocabulary("cot16")
    assert cot16.decode(cot16.encode("9 + 2 = <think>")) == "9 + 2 = <think>"


def test_a_separator_prints_as_padding_before_a_tag_and_at_the_end() -> None:
    cot16 = vocabulary("cot16")
    assert cot16.decode([7, 15, 15, 14]) == "7<noop><noop></think>"
    assert cot16.decode([7, 15]) == "7<noop>"


def test_a_vocabulary_with_a_space_never_confuses_it_with_padding() -> None:
    unified = vocabulary("unified")
    assert unified.encode(" ") != unified.encode("<noop>")
    assert unified.decode(unified.encode("7<noop>5 6")) == "7<noop>5 6"


def test_special_tokens_can_be_left_out_of_a_text() -> None:
    mini = vocabulary("mini18")
    ids = [mini.id_of("bos"), *mini.encode("1+2=3"), mini.id_of("eos"), mini.id_of("pad")]
    assert mini.decode(ids) == "<bos>1+2=3<eos><pad>"
    assert mini.decode(ids, skip_special=True) == "1+2=3"


@pytest.mark.parametrize("index", [-1, 16])
def test_an_id_outside_the_vocabulary_is_refused(index: int) -> None:
    with pytest.raises(UserError, match=f"id {index} is not in vocabulary 'cot16', which has 16 tokens"):
        vocabulary("cot16").decode([index])


def test_a_role_that_nothing_plays_has_no_id() -> None:
    assert not vocabulary("cot16").has_role("bos")
    with pytest.raises(UserError, match="'cot16' has no bos token"):
        vocabulary("cot16").id_of("bos")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": ("1", "1", "<pad>", "?")}, "must be different"),
        ({"tokens": ("", "<pad>", "?")}, "not empty"),
        ({"roles": {"padding": "<pad>"}}, "unknown role 'padding'"),
        ({"roles": {"eos": "<end>"}}, "the token '<end>' of role 'eos' is not in it"),
        ({"on_unknown": "ignore"}, "choose error, unk or drop"),
        ({"roles": {}, "on_unknown": "unk"}, "has no unk token"),
    ],
)
def test_impossible_vocabularies_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        replace(TINY, **changes)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_vocabulary_survives_json_and_pickle(name: str) -> None:
    chosen = vocabulary(name)
    saved = Vocabulary.from_dict(json.loads(json.dumps(chosen.to_dict())))
    assert saved == chosen
    assert hash(saved) == hash(chosen)
    assert saved.encode("12=15") == chosen.encode("12=15")
    assert pickle.loads(pickle.dumps(chosen)) == chosen


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": "0123"}, "must be a list of strings"),
        ({"tokens": ["0", 1]}, "must be a list of strings"),
        ({"roles": ["eos"]}, "must map names to tokens"),
        ({"roles": {"eos": 2}}, "must map names to tokens"),
        ({"merges": []}, "unknown key 'merges'"),
    ],
)
def test_what_is_not_a_vocabulary_is_refused_with_the_reason(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Vocabulary.from_dict(TINY.to_dict() | changes)


@pytest.mark.parametrize("data", [{}, {"model": {"type": "BPE"}}, [], "cot16"])
def test_foreign_data_is_not_a_vocabulary(data: Any) -> None:
    with pytest.raises(UserError, match="not a vocabulary; it must have name, tokens, roles, on_unknown"):
        Vocabulary.from_dict(data)


@pytest.mark.row("S1-V1")
def test_a_corpus_gives_the_special_tokens_then_its_characters_sorted() -> None:
    built = Vocabulary.from_corpus(["b 2", "a"], extra="+1")
    assert built.tokens == ("<PAD>", "<START>", "<END>", "<UNK>", " ", "+", "1", "2", "a", "b")
    assert built.on_unknown == "error"


def test_tags_in_a_corpus_are_tokens_and_not_letters() -> None:
    built = Vocabulary.from_corpus(["1=<think>2<noop></think>3<end>"], extra="", on_unknown="unk")
    assert built.tokens[4:] == ("<think>", "</think>", "<noop>", "1", "2", "3", "=")
    assert built.encode("<think>2x</think>") == [4, 8, 3, 5]
