"""The published vocabularies, id for id."""

from __future__ import annotations

import pytest

from longhand.errors import UserError
from longhand.text.formats import Format
from longhand.text.presets import VOCABULARIES, vocabulary

COT16 = [*"0123456789", "+", "=", "<end>", "<think>", "</think>", "<noop>"]
POC16 = ["<PAD>", "<BOS>", "<EOS>", *"0123456789", "+", "-", "="]
MINI18 = ["<pad>", "<bos>", "<eos>", *"0123456789", "+", "-", "*", "/", "="]
CHARS = ["<PAD>", "<START>", "<END>", "<UNK>", *" ()*+-/0123456789=?Wahist"]
UNIFIED = [*MINI18, "<think>", "</think>", "<noop>", "<unk>", " ", "(", ")", ".", "?", *"Whatis", "r"]


@pytest.mark.row("S0-V1", "S0-B5", "S1-V1", "S2-V1", "S4-V1")
@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("cot16", COT16),
        ("cot17", [*COT16, "<begin>"]),
        ("poc16", POC16),
        ("mini18", MINI18),
        ("chars", CHARS),
        ("unified", UNIFIED),
    ],
)
def test_preset_ids_are_those_of_its_system(name: str, tokens: list[str]) -> None:
    assert list(vocabulary(name).tokens) == tokens


@pytest.mark.row("S2-V1")
def test_poc16_spells_an_equation_as_the_published_tokenizer_does() -> None:
    poc16, format = vocabulary("poc16"), Format(begin=True)
    problem = format.parse("951+11=").problem
    assert format.spell_prompt("951+11=", poc16) == [1, 12, 8, 4, 13, 4, 4, 15]  # bos, but no eos
    ids = format.spell(format.render(problem), poc16).ids
    assert ids == [1, 12, 8, 4, 13, 4, 4, 15, 12, 9, 5, 2]
    assert poc16.decode(ids, skip_special=True) == "951+11=962"
    assert list(poc16.tokens) == POC16
    assert poc16.id_of("pad") == 0
    with pytest.raises(UserError, match="'x'"):
        poc16.encode("9x1=")


def test_every_preset_ends_and_pads_rows() -> None:
    for preset in VOCABULARIES.values():
        assert preset.id_of("eos") >= 0
        assert preset.id_of("pad") >= 0


@pytest.mark.row("S0-V1")
def test_cot_presets_pad_with_their_end_mark() -> None:
    assert vocabulary("cot16").id_of("pad") == vocabulary("cot16").id_of("eos") == 12


def test_unified_begins_with_mini18_and_agrees_with_poc16_up_to_minus() -> None:
    assert vocabulary("unified").tokens[:18] == vocabulary("mini18").tokens
    assert vocabulary("poc16").encode("0123456789+-") == vocabulary("mini18").encode("0123456789+-") == [*range(3, 15)]


@pytest.mark.row("S0-V1", "S0-F1", "S0-F2")
@pytest.mark.bug("S0-3a")
@pytest.mark.parametrize(
    ("text", "n_tokens"),
    [
        ("3+5=8<end>", 6),
        ("658+189=<think>8+9=17 5+8+1=14 6+1+1=8</think>847<end>", 37),
    ],
)
def test_the_published_strings_round_trip_in_sixteen_tokens(text: str, n_tokens: int) -> None:
    cot16 = vocabulary("cot16")
    assert len(cot16) == 16
    ids = cot16.encode(text)
    assert len(ids) == n_tokens
    assert cot16.decode(ids) == text


@pytest.mark.row("S0-F2")
@pytest.mark.parametrize("name", ["cot16", "unified"])
def test_the_published_worked_answer_is_what_the_columns_format_writes(name: str) -> None:
    format = Format(steps="columns")
    chosen = vocabulary(name)
    spelled = format.spell(format.render(format.parse("658+189=").problem), chosen)
    assert chosen.decode(spelled.ids) == (f"658+189=<think>8+9=17 5+8+1=14 6+1+1=8</think>847{chosen.roles['eos']}")


def test_an_unknown_preset_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UserError, match="unknown vocabulary 'mini81'; did you mean mini18"):
        vocabulary("mini81")
    with pytest.raises(UserError, match="known are cot16, cot17, poc16, mini18, chars, unified"):
        vocabulary("llama")
