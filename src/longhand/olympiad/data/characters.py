"""One spelling for characters that look alike, the same for training and for evaluation."""

from __future__ import annotations

import unicodedata

_REPLACED = {
    "\u2018": "'",  # quotation marks and apostrophes
    "\u2019": "'",
    "\u201b": "'",
    "\u02bc": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u2010": "-",  # hyphens, dashes and the sign minus
    "\u2011": "-",
    "\u2012": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
    "\u00a0": " ",  # spaces that do not break, or have another width
    "\u2002": " ",
    "\u2003": " ",
    "\u2009": " ",
    "\u200a": " ",
    "\u202f": " ",
    "\u2026": "...",
    "\u200b": "",  # marks without a width
    "\u2060": "",
    "\ufeff": "",
    "\u2028": "\n",
    "\u2029": "\n",
}
_TABLE = str.maketrans(_REPLACED)


def normalise_characters(text: str) -> str:
    r"""Curly quotes, dashes and odd spaces as ASCII, `\r\n` and `\r` as `\n`, letters composed (NFC).

    Whoever asks a model has to apply it to the question too: GSM8K writes the apostrophe of Ann's as U+2019 in one
    question of thirty, which a model trained on ASCII has never seen. Signs of mathematics other than the minus are
    left alone. Applying it twice changes nothing.
    """
    if text.isascii():
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    composed = unicodedata.normalize("NFC", text.translate(_TABLE))
    return composed.replace("\r\n", "\n").replace("\r", "\n")
