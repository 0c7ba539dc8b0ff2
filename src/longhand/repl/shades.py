"""How sure a model was of each token, as shades of grey: the surer, the darker."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from longhand.text.vocabulary import Vocabulary

SHADES: tuple[tuple[float, Style], ...] = (
    (0.99, Style(color="grey93", bgcolor="grey7")),
    (0.90, Style(color="grey93", bgcolor="grey19")),
    (0.70, Style(color="grey93", bgcolor="grey35")),
    (0.50, Style(color="grey3", bgcolor="grey58")),
    (0.00, Style(color="grey3", bgcolor="grey82")),
)
"""Smallest probability of each shade, descending."""


def shade(probability: float) -> Style:
    """The shade of a probability."""
    return next(style for least, style in SHADES if probability >= least)


def legend() -> Text:
    """What the shades mean."""
    text = Text("How sure the model is of a token: ")
    for (least, style), above in zip(SHADES, [None, *SHADES], strict=False):
        label = f" < {above[0]:.0%} " if least == 0 and above else f" ≥ {least:.0%} "
        text.append(label, style).append(" ")
    return text


def shaded(vocabulary: Vocabulary, ids: Sequence[int], logprobs: Sequence[float]) -> Text:
    """Written tokens in their shades; as plain text it is what the vocabulary makes of the ids."""
    text = Text()
    for piece, logprob in zip(pieces(vocabulary, ids), logprobs, strict=True):
        text.append(piece, shade(math.exp(min(logprob, 0.0))))
    return text


def pieces(vocabulary: Vocabulary, ids: Sequence[int]) -> list[str]:
    """What each id contributes to the text of all: a separator may be a space or itself, as the next token decides."""
    following = [vocabulary.tokens[index] for index in ids[1:]]
    pairs = [vocabulary.decode(ids[place : place + 2]) for place in range(len(ids) - 1)]
    parts = [pair.removesuffix(token) for pair, token in zip(pairs, following, strict=True)]
    return [*parts, *(vocabulary.tokens[index] for index in ids[-1:])]
