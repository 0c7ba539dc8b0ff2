"""What a block knows of the tokens being read, beside their vectors."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from longhand.models.positions import Rotation


@dataclass(frozen=True, slots=True)
class Reading:
    """Which tokens see which, and where they stand.

    `bias` [time, total] or [batch, time, total] is added to attention scores: 0 where a token may look, -inf where not.
    `rotation` turns queries and keys, None where positions do not. `real`, bool [batch, time], is False at padding;
    None where no real token comes after any.
    """

    bias: Tensor
    rotation: Rotation | None
    real: Tensor | None
