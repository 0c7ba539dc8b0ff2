"""A backbone and its recursive head as one model, called as a `Decoder` is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from longhand.models.trm import RecursiveHead
from longhand.models.trm_backbone import Backbone, BackboneCache
from longhand.models.trm_cache import RecursionCache
from longhand.models.trm_config import Keep


@dataclass(frozen=True, slots=True)
class TrmCache:
    """The memory of the backbone and that of the recursion, for one batch of rows."""

    backbone: BackboneCache
    recursion: RecursionCache

    def select(self, rows: Tensor) -> None:
        """Keep the given rows of the batch, in the given order; `rows` is int64 [new batch]."""
        self.backbone.select(rows)
        self.recursion.select(rows)


class TrmModel(nn.Module):
    """Reads tokens with the backbone and writes with the head; `decode_batch` and everything on it can ask it.

    `n_supervision` (default: as many steps as the head was trained with) and `kv` (default: the configuration's) say
    how an answer is computed. For inference; training asks the head itself. The backbone is no part of the weights.
    """

    def __init__(
        self, backbone: Backbone, head: RecursiveHead, *, n_supervision: int | None = None, kv: Keep | None = None
    ) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head
        self.n_supervision = head.config.n_supervision if n_supervision is None else n_supervision
        self.kv: Keep = kv or head.config.kv or "exact"

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.backbone.device

    @property
    def max_seq_len(self) -> int:
        """The longest sequence it reads (tokens)."""
        return min(self.backbone.max_seq_len, self.head.config.max_seq_len)

    @torch.no_grad()
    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        *,
        kv_cache: TrmCache | None = None,
        logits_to_keep: int = 0,
    ) -> Tensor:
        """Logits of the next token after each of `input_ids` [batch, time]; asked for as `Decoder.forward` is."""
        hidden = self.backbone.hidden(input_ids, attention_mask, None if kv_cache is None else kv_cache.backbone)
        cache = None if kv_cache is None else kv_cache.recursion
        y = self.head.refine(self.head.prepare(hidden), attention_mask, self.n_supervision, cache)
        return self.head.logits(y if logits_to_keep < 1 else y[:, -logits_to_keep:])

    def new_cache(self, batch: int, max_len: int) -> TrmCache:
        """An empty cache for `batch` rows of up to `max_len` tokens."""
        recursion = RecursionCache(self.head.config, self.kv, self.n_supervision, batch, max_len)
        return TrmCache(self.backbone.new_cache(batch, max_len), recursion)
