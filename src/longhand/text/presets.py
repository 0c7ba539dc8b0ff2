"""The vocabularies of the published systems, and the one that spells everything."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from longhand.errors import UserError
from longhand.text.schoolbook import LETTERS
from longhand.text.vocabulary import Vocabulary

_DIGITS = tuple("0123456789")
_THINK = {"think": "<think>", "end_think": "</think>", "noop": "<noop>"}

_COT16 = Vocabulary(
    "cot16",
    (*_DIGITS, "+", "=", "<end>", "<think>", "</think>", "<noop>"),
    {"pad": "<end>", "eos": "<end>", "separator": "<noop>", **_THINK},
)
_COT17 = Vocabulary("cot17", (*_COT16.tokens, "<begin>"), {**_COT16.roles, "bos": "<begin>"})
_POC16 = Vocabulary(
    "poc16",
    ("<PAD>", "<BOS>", "<EOS>", *_DIGITS, "+", "-", "="),
    {"pad": "<PAD>", "bos": "<BOS>", "eos": "<EOS>"},
)
_MINI18 = Vocabulary(
    "mini18",
    ("<pad>", "<bos>", "<eos>", *_DIGITS, "+", "-", "*", "/", "="),
    {"pad": "<pad>", "bos": "<bos>", "eos": "<eos>"},
)
_UNIFIED = Vocabulary(
    "unified",
    # r comes last: it writes remainders (17r3), which none of the published systems has.
    (*_MINI18.tokens, "<think>", "</think>", "<noop>", "<unk>", " ", "(", ")", ".", "?", *"Whatis", "r"),
    {**_MINI18.roles, **_THINK, "unk": "<unk>", "separator": " "},
)
_CHARS = Vocabulary.from_corpus(["What is ?"])  # what its published corpus is written with
_ROWS = {"pad": "<pad>", "bos": "<bos>", "eos": "<eos>"}
_SPECIAL = ("<pad>", "<bos>", "<eos>", *_DIGITS)
_SUM_ROWS = Vocabulary("sum_rows", (*_SPECIAL, "+", "="), _ROWS)
_SIGNED_ROWS = Vocabulary("signed_rows", (*_SUM_ROWS.tokens, "-", "~"), _ROWS)
_PRODUCT_ROWS = Vocabulary("product_rows", (*_SPECIAL, "*", "=", ";", *LETTERS), _ROWS)
_DIVISION_ROWS = Vocabulary("division_rows", (*_SPECIAL, "/", "=", "S", "T", "#", *LETTERS), _ROWS)
_COMPARE_ROWS = Vocabulary("compare_rows", (*_SPECIAL, "?", "=", "<", ">"), _ROWS)
_SCHOOLBOOK = Vocabulary("schoolbook", (*_SIGNED_ROWS.tokens, "*", ";", "/", "S", "T", "#", *LETTERS), _ROWS)

VOCABULARIES: Mapping[str, Vocabulary] = {
    preset.name: preset
    for preset in (
        _COT16,
        _COT17,
        _POC16,
        _MINI18,
        _CHARS,
        _UNIFIED,
        _SUM_ROWS,
        _SIGNED_ROWS,
        _PRODUCT_ROWS,
        _DIVISION_ROWS,
        _COMPARE_ROWS,
        _SCHOOLBOOK,
    )
}


def vocabulary(name: str) -> Vocabulary:
    """Return a preset by name; raises `UserError` with the nearest name for an unknown one."""
    if name in VOCABULARIES:
        return VOCABULARIES[name]
    close = get_close_matches(name, VOCABULARIES, n=1)
    remedy = f"did you mean {close[0]}?" if close else f"known are {', '.join(VOCABULARIES)}"
    raise UserError(f"unknown vocabulary {name!r}; {remedy}")
