"""Positions that are places within numbers, for rows `a+b=c`: abacus embeddings and position coupling.

A digit stands at place 1 if it is the units of its number, at place 2 if it is the tens, and so on. What is added to
the embedding of a token is a trained vector:

* `abacus` (McLeish et al., 2024, arXiv:2405.17399): vector p for a digit at place p, vector 0 for every other token.
* `coupled` (Cho et al., 2024, arXiv:2405.20671): vector p + 1 for a digit at place p, 1 for `+` and `=`, which stand
  below the units, the next after the last digit's for the end mark, 0 for bos and padding.

In training all vectors of a row but 0 are moved up by one number, drawn evenly from 0 to `max_digits` less the digits
its answer may have, so that short numbers train the vectors of all places; in evaluation by none.

Where the papers differ: McLeish et al. write operands units first, and draw one number for a whole batch, from 0 to 99
however long the numbers are. Cho et al. write operands as we do, and number down to the units instead of up. Operands
written highest digit first have places that depend on the delimiter after them, so a prompt is read whole, up to its
`=`; from there on no token looks ahead, as answers are written units first.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from longhand.errors import UserError
from longhand.models.config import ModelConfig
from longhand.models.config_rules import check_digits
from longhand.models.decoder import Decoder
from longhand.models.kv_cache import KVCache
from longhand.models.positions import Positions
from longhand.models.reading import Reading
from longhand.text.layouts.registry import layout


def count_vectors(config: ModelConfig) -> int:
    """How many vectors a model with `pos_encoding` abacus or coupled has."""
    assert config.max_digits is not None
    return config.max_digits + (1 if config.pos_encoding == "abacus" else 3)


class PlaceCache(KVCache):
    """A key-value cache that also knows how many digits each row has after its `=`: `written`, int64 [batch].

    It is None before a prompt was read.
    """

    written: Tensor | None = None

    def select(self, rows: Tensor) -> None:
        """Keep the given rows, in the given order and as often as named."""
        super().select(rows)
        if self.written is not None:
            self.written = self.written.index_select(0, rows)


class DigitDecoder(Decoder):
    """A decoder that tells its `positions` the place of each digit; rows are those of layout `sum`.

    The first tokens a row is read by have to hold its whole prompt. Raises `UserError`, one line, for rows without `=`
    and for operands whose sum may have more than `max_digits` digits. A digit written beyond those is in no right
    answer, and takes the last place.
    """

    is_digit: Tensor  # bool [vocab]

    def __init__(self, config: ModelConfig, **parts: Any) -> None:
        super().__init__(config, **parts)
        assert config.layout is not None
        self.layout = layout(config.layout)
        digits = torch.tensor([token.isdigit() for token in self.layout.vocabulary.tokens])
        self.register_buffer("is_digit", digits, persistent=False)

    @property
    def draws_in_training(self) -> bool:
        """True: how far the places of a row are moved."""
        return True

    def new_cache(self, batch: int, max_len: int | None = None) -> PlaceCache:
        """An empty cache for `batch` rows of up to `max_len` tokens (default: max_seq_len)."""
        plain = super().new_cache(batch, max_len)
        return PlaceCache(plain.layers, batch, plain.max_len)

    def _place(
        self, input_ids: Tensor, new_real: Tensor | None, kv_cache: KVCache | None, total: int
    ) -> tuple[Positions, Reading]:
        _, reading = super()._place(input_ids, new_real, kv_cache, total)
        ids = input_ids if new_real is None else input_ids.masked_fill(~new_real, self.layout.bos)  # of no number
        digit = self.is_digit[ids]
        if isinstance(kv_cache, PlaceCache) and kv_cache.written is not None:
            written = kv_cache.written[:, None] + digit.cumsum(dim=1)
            kv_cache.written = written[:, -1]
            return self._vectors(ids, digit, written, written), reading
        answered = (ids == self.layout.equals).cumsum(dim=1) > 0  # `=` and what comes after it
        places = _places_from_the_right(digit & ~answered)
        longest = places.amax(dim=1)
        self._check_prompts(ids, answered[:, -1].tolist(), longest.tolist())
        written = (digit & answered).cumsum(dim=1)
        where = self._vectors(ids, digit, torch.where(answered, written, places), written)
        if isinstance(kv_cache, PlaceCache):
            kv_cache.written = written[:, -1]
        elif self.training:
            where = torch.where(where > 0, where + self._draw_shift(longest)[:, None], where)
        return where, reading

    def _check_prompts(self, ids: Tensor, answered: list[bool], longest: list[int]) -> None:
        if not all(answered):
            row = self.layout.vocabulary.decode(ids[answered.index(False)].tolist(), skip_special=True)
            raise UserError(
                f"{row!r} has no =, and pos_encoding: {self.config.pos_encoding} counts from the units; ask a+b="
            )
        check_digits(max(longest, default=0), self.config)

    def _vectors(self, ids: Tensor, digit: Tensor, places: Tensor, written: Tensor) -> Tensor:
        """Which vector each token of `ids` [batch, time] has: [batch, time]."""
        assert self.config.max_digits is not None
        where = places.clamp(max=self.config.max_digits) * digit
        if self.config.pos_encoding == "abacus":
            return where
        plus, equals, eos = (ids == token for token in (*self.layout.operator_ids, self.layout.equals, self.layout.eos))
        end = written.clamp(max=self.config.max_digits) + 2
        return where + (digit | plus | equals) + end * eos

    def _draw_shift(self, longest: Tensor) -> Tensor:
        """How far each row is moved, for operands of up to `longest` [batch] digits: int64 [batch]."""
        assert self.config.max_digits is not None
        room = self.config.max_digits - longest  # at least 1, as the sum may have a digit more
        return (torch.rand(room.shape, dtype=torch.float64, device=room.device) * room).long()


def _places_from_the_right(digit: Tensor) -> Tensor:
    """Place of each digit within its run, the last at 1, and 0 for what is no digit; `digit` is bool [batch, time]."""
    turned = digit.flip(1)
    count = turned.cumsum(dim=1)
    before = count.masked_fill(turned, 0).cummax(dim=1).values  # digits in the runs further right
    return (count - before).flip(1)
