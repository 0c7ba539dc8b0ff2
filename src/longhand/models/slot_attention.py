"""Attention to the slots of a layout, and the decoder made of it; see models/windowed.py."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.models.kv_cache import KVCache
from longhand.text.layouts.base import Layout
from longhand.text.layouts.registry import layout as layout_named

_NO_CACHE = "a windowed model has no key-value cache: it looks at a few tokens only, whatever came before"
ROWS_REMEMBERED = 2**16
"""Texts of which the windows are kept: a training batch may well draw a problem again."""


class WindowAttention(nn.Module):
    """From one query to the tokens in its slots: softmax over slots of q k / sqrt(head_dim) + slot_bias.

    Keys and values belong to tokens of the vocabulary, so a score is looked up where it is needed.
    """

    def __init__(self, d_model: int, n_heads: int, n_slots: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.qkv = nn.Linear(d_model, 3 * d_model, bias=False)
        self.out = nn.Linear(d_model, d_model, bias=False)
        self.slot_bias = nn.Parameter(torch.zeros(n_heads, n_slots))

    def forward(self, x: Tensor, memory: Tensor, windows: Tensor) -> Tensor:
        """Attend from `x` [n, d_model] to tokens `windows` [n, n_slots] of `memory` [vocab, d_model]: [n, d_model]."""
        n, n_slots = windows.shape
        d_model = x.size(-1)
        query, rest = torch.split(self.qkv.weight, [d_model, 2 * d_model])
        q = F.linear(x, query).view(n, self.n_heads, -1)
        k, v = F.linear(memory, rest).view(len(memory), 2, self.n_heads, -1).unbind(1)
        scores = torch.einsum("nhc,vhc->nhv", q, k) * q.size(-1) ** -0.5
        at = windows[:, None, :].expand(n, self.n_heads, n_slots)
        weights = torch.softmax(scores.gather(2, at) + self.slot_bias, dim=-1)
        shares = torch.zeros_like(scores).scatter_add(2, at, weights)  # of each token, whichever slots hold it
        gathered = torch.einsum("nhv,vhc->nhc", shares, v).reshape(n, d_model)
        added: Tensor = self.out(gathered)
        return added


class WindowBlock(nn.Module):
    """x + attention(norm(x)), whose keys and values are made of norm(embeddings), then x + mlp(norm(x))."""

    def __init__(
        self, attention_norm: nn.Module, attention: WindowAttention, mlp_norm: nn.Module, mlp: nn.Module
    ) -> None:
        super().__init__()
        self.attention_norm = attention_norm
        self.attention = attention
        self.mlp_norm = mlp_norm
        self.mlp = mlp

    def forward(self, x: Tensor, embeddings: Tensor, windows: Tensor) -> Tensor:
        """Map `x` [n, d_model] to the same shape."""
        x = x + self.attention(self.attention_norm(x), self.attention_norm(embeddings), windows)
        added: Tensor = x + self.mlp(self.mlp_norm(x))
        return added


class WindowedDecoder(Decoder):
    """A decoder whose logits are those of windows; rows are read by the layout of its configuration.

    Rows may be of any length. Logits of places before `=` are those of a window of the last token alone, and mean
    nothing. Raises `UserError` for rows the layout does not read.
    """

    def __init__(self, config: ModelConfig, **parts: Any) -> None:
        super().__init__(config, **parts)
        assert config.layout is not None
        self.layout: Layout = layout_named(config.layout)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        *,
        kv_cache: KVCache | None = None,
        logits_to_keep: int = 0,
    ) -> Tensor:
        """Logits of the next token after each token of `input_ids`, int64 [batch, time]: [batch, time, vocab].

        `attention_mask` is not needed: padding is in no window. With `logits_to_keep` n > 0 only the last n.
        """
        if kv_cache is not None:
            raise UserError(_NO_CACHE)
        time = input_ids.size(1)
        keep = min(logits_to_keep, time) if logits_to_keep > 0 else time
        windows = row_windows(self.layout, input_ids.cpu().numpy(), keep)
        logits = self.logits_of(torch.from_numpy(windows).to(input_ids.device).flatten(0, 1))
        return logits.view(len(input_ids), keep, -1)

    def logits_of(self, windows: Tensor) -> Tensor:
        """Logits of the token after each window, int64 [n, n_slots]: [n, vocab]. Windows that are alike share work."""
        different, place = _distinct(windows, self.vocab_size)
        return self.logits_of_distinct(different).index_select(0, place)

    def logits_of_distinct(self, windows: Tensor) -> Tensor:
        """The same without looking for windows that are alike; `torch.func.vmap` can go through it."""
        x = self.embedding(windows[:, 0])
        for block in self.blocks:
            x = block(x, self.embedding.weight, windows)
        x = self.norm(x)
        logits: Tensor = F.linear(x, self.embedding.weight) if self.head is None else self.head(x)
        return logits

    def new_cache(self, batch: int, max_len: int | None = None) -> KVCache:
        """Raises `UserError`: there is nothing to keep."""
        raise UserError(_NO_CACHE)


def row_windows(layout: Layout, ids: NDArray[np.int64], keep: int) -> NDArray[np.int64]:
    """The windows of the last `keep` places of each row of `ids` [batch, time], padding on either side or none.

    int64 [batch, keep, n_slots]; places of the prompt and of padding get a window of the token there alone.
    """
    batch, time = ids.shape
    windows = np.repeat(ids[:, time - keep :, None], len(layout.slots), axis=2)
    for row in range(batch):
        start = int((ids[row] == layout.bos).argmax())
        ends = np.flatnonzero(ids[row] == layout.eos)
        stop = int(ends[0]) if len(ends) else time
        if not len(ends):  # a row that goes on: leave its padding out
            stop = int(np.flatnonzero(ids[row] != layout.vocabulary.id_of("pad"))[-1]) + 1
        found = _windows_of(layout, ids[row, start:stop].tobytes())
        first = stop - len(found)  # the place of =
        skipped = max(time - keep - first, 0)
        windows[row, first + skipped - (time - keep) : stop - (time - keep)] = found[skipped:]
    return windows


@lru_cache(maxsize=ROWS_REMEMBERED)
def _windows_of(layout: Layout, row: bytes) -> NDArray[np.int64]:
    """The windows from `=` on, of the token after each token of a row: [tokens from = on, n_slots]."""
    ids = np.frombuffer(row, dtype=np.int64).tolist()
    return np.array([*layout.windows(ids)], dtype=np.int64)


def _distinct(windows: Tensor, vocab_size: int) -> tuple[Tensor, Tensor]:
    """Each window once [m, n_slots], and which of them each of the n is [n]."""
    digits = vocab_size ** torch.arange(windows.size(1), device=windows.device)
    _, place = torch.unique((windows * digits).sum(dim=1), return_inverse=True)
    first = torch.empty(int(place.max()) + 1, dtype=torch.int64, device=windows.device)
    first[place] = torch.arange(len(windows), device=windows.device)
    return windows[first], place
