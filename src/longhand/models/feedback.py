"""The feedback transformer: every layer attends to what all layers made of earlier tokens (arXiv:2002.09402)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from longhand.models.architecture import NormPlace, SoftmaxKind
from longhand.models.attention import attend_explicitly
from longhand.models.decoder import Decoder
from longhand.models.kv_cache import KVCache, LayerCache
from longhand.models.reading import Reading


class FeedbackMemory(nn.Module):
    """One vector per token, the sum of its embedding and all layers' outputs weighted by a softmax (section 3).

    Its key and value are the same for all layers. `layer_weights` [n_layers + 1] start equal.
    """

    def __init__(self, d_model: int, n_layers: int, n_kv_heads: int, head_dim: int, *, bias: bool) -> None:
        super().__init__()
        self.n_kv_heads = n_kv_heads
        self.layer_weights = nn.Parameter(torch.zeros(n_layers + 1))
        self.kv = nn.Linear(d_model, 2 * n_kv_heads * head_dim, bias=bias)

    def forward(self, levels: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Key and value [n_kv_heads, batch, 1, head_dim] of a token from its `levels`, each [batch, 1, d_model]."""
        shares = self.layer_weights.softmax(dim=0)
        mixed = torch.stack(levels, dim=-1) @ shares.to(levels[0].dtype)
        heads = self.kv(mixed).view(len(mixed), 1, 2 * self.n_kv_heads, -1).permute(2, 0, 1, 3)
        key, value = heads.chunk(2)
        return key, value


@dataclass(frozen=True, slots=True)
class Seen:
    """Keys and values of earlier tokens, the bias that hides padding, which rows [batch, 1, 1] see any (None: all)."""

    keys: Tensor
    values: Tensor
    bias: Tensor
    rows: Tensor | None


class FeedbackBlock(nn.Module):
    """Attention from one token to the memory of earlier ones, then an MLP; a token that sees none skips the attention.

    Norms stand before the parts or after the sums, as `norm_place` says.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        mlp: nn.Module,
        attention_norm: nn.Module,
        mlp_norm: nn.Module,
        *,
        bias: bool,
        norm_place: NormPlace,
        softmax: SoftmaxKind,
        attention_dropout: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm_place = norm_place
        self.softmax: SoftmaxKind = softmax
        self.attention_dropout = attention_dropout
        self.dropout = dropout
        self.attention_norm = attention_norm
        self.query = nn.Linear(d_model, d_model, bias=bias)
        self.out = nn.Linear(d_model, d_model, bias=bias)
        self.mlp_norm = mlp_norm
        self.mlp = mlp

    def forward(self, x: Tensor, seen: Seen | None) -> Tensor:
        """Map one token per row, `x` [batch, 1, d_model], to the same shape."""
        if seen is not None:
            attended = self._add(x, self.attention_norm, lambda h: self._attend(h, seen))
            x = attended if seen.rows is None else torch.where(seen.rows, attended, x)
        return self._add(x, self.mlp_norm, self.mlp)

    def _add(self, x: Tensor, norm: nn.Module, part: Callable[[Tensor], Tensor]) -> Tensor:
        before = self.norm_place == "pre"
        added = x + F.dropout(part(norm(x) if before else x), self.dropout, self.training)
        result: Tensor = added if before else norm(added)
        return result

    def _attend(self, h: Tensor, seen: Seen) -> Tensor:
        q = self.query(h).view(len(h), 1, self.n_heads, -1).permute(2, 0, 1, 3)
        dropout = self.attention_dropout if self.training else 0.0
        gathered: Tensor = self.out(attend_explicitly(q, seen.keys, seen.values, seen.bias, dropout, self.softmax))
        return gathered


class FeedbackDecoder(Decoder):
    """A decoder whose blocks attend to one memory, and therefore reads one token after the other, in training too."""

    memory: FeedbackMemory

    def _through_blocks(self, x: Tensor, reading: Reading, kv_cache: KVCache | None, keep: int) -> Tensor:
        memory = _GrowingMemory() if kv_cache is None else kv_cache.layers[0]
        assert isinstance(memory, (_GrowingMemory, LayerCache))
        past = reading.bias.size(-1) - x.size(1)
        outputs = []
        for t in range(x.size(1)):
            token = x[:, t : t + 1]
            remembered = memory.stored()
            seen = None if remembered is None else _see(*remembered, reading.bias[..., t : t + 1, : past + t])
            levels = [token]
            for block in self.blocks:
                levels.append(block(levels[-1], seen))
            memory.append(*self.memory(levels))
            outputs.append(levels[-1])
        return torch.cat(outputs[-keep:], dim=1)

    def new_cache(self, batch: int, max_len: int | None = None) -> KVCache:
        """An empty memory for `batch` rows of up to `max_len` tokens (default: max_seq_len)."""
        max_len = max_len or self.config.max_seq_len
        return KVCache([LayerCache(batch, max_len)], batch, max_len)


class _GrowingMemory:
    """Keys and values through which gradients flow, unlike those of a `LayerCache`."""

    def __init__(self) -> None:
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []

    def stored(self) -> tuple[Tensor, Tensor] | None:
        """All keys and values so far, None before the first."""
        return (torch.cat(self._keys, dim=2), torch.cat(self._values, dim=2)) if self._keys else None

    def append(self, key: Tensor, value: Tensor) -> None:
        """Store key and value [n_kv_heads, batch, 1, head_dim]."""
        self._keys.append(key)
        self._values.append(value)


def _see(keys: Tensor, values: Tensor, bias: Tensor) -> Seen:
    if bias.dim() == 2:
        return Seen(keys, values, bias, None)
    some = (bias == 0).any(dim=-1, keepdim=True)  # [batch, 1, 1]
    return Seen(keys, values, bias.masked_fill(~some, 0.0), some)
