"""A number as a column after the other shows it: its digits, then a delimiter for ever."""

from __future__ import annotations

from collections.abc import Sequence


def next_tokens(before: int, digits: Sequence[int], *, above: int, below: int) -> Sequence[int]:
    """What may stand in the column after `before` in a number between these delimiters; it has one digit at least."""
    if before == below:
        return digits
    return [*digits, above] if before in digits else [above]
