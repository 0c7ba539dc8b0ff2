"""The language model under a recursive head: what is asked of it, and our own models as one."""

from __future__ import annotations

import copy
import hashlib
from abc import ABC, abstractmethod
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.models.decoder import Decoder
from longhand.models.kv_cache import KVCache
from longhand.models.sizing import flops_per_token
from longhand.models.trm_config import TrmConfig


class BackboneCache(Protocol):
    """What a backbone keeps of the rows it has read."""

    def select(self, rows: Tensor) -> None:
        """Keep the given rows of the batch, in the given order; `rows` is int64 [new batch]."""
        ...


class Backbone(ABC):
    """A language model that is read and never changed. It is in evaluation mode, and gives no gradients.

    `rope_theta` is the base of its rotary positions, None where it has others.
    """

    d_model: int
    n_heads: int
    vocab_size: int
    max_seq_len: int
    norm_eps: float
    rope_theta: float | None

    @property
    @abstractmethod
    def module(self) -> nn.Module:
        """The model itself."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where it computes."""

    @abstractmethod
    def hidden(self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: Any = None) -> Tensor:
        """What its layers make of `input_ids` [batch, time], before the final norm: [batch, time, d_model].

        `attention_mask` [batch, time] is 0 or False at padding, on either side, of the new tokens alone where a
        `cache` holds earlier ones; positions count real tokens.
        """

    @abstractmethod
    def final_norm(self) -> nn.Module:
        """A copy of the norm between hidden states and head."""

    @abstractmethod
    def normed(self, hidden: Tensor) -> Tensor:
        """Its hidden states [..., d_model] after its own final norm."""

    @abstractmethod
    def lm_head(self) -> tuple[Tensor, Tensor | None]:
        """Weight [vocab, d_model] and bias [vocab] of its head: the tensors themselves."""

    @abstractmethod
    def new_cache(self, batch: int, max_len: int) -> BackboneCache:
        """An empty cache for `batch` rows of up to `max_len` tokens."""

    @abstractmethod
    def flops_per_token(self, seq_len: int) -> int:
        """Operations of its forward pass without the head, per token of a sequence, counted as in models/sizing.py."""

    @torch.no_grad()
    def logits(self, hidden: Tensor) -> Tensor:
        """Its own logits [..., vocab] of its hidden states [..., d_model]."""
        weight, bias = self.lm_head()
        return nn.functional.linear(self.normed(hidden), weight, bias)

    @property
    def n_parameters(self) -> int:
        """Numbers in its weights, tied ones counted once."""
        return sum(parameter.numel() for parameter in self.module.parameters())

    def fingerprint(self) -> str:
        """The SHA-256 of all its weights and their names, in hexadecimal."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.module.state_dict().items()):
            plain = tensor.detach().cpu().contiguous().reshape(-1)
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(plain.view(torch.uint8).numpy().data if plain.numel() else b"")
        return digest.hexdigest()


class DecoderBackbone(Backbone):
    """One of our own models as a backbone; raises `UserError` for a windowed one, which has no states of a sequence."""

    def __init__(self, model: Decoder) -> None:
        config = model.config
        if config.block == "window":
            raise UserError("a model with block: window has no states of a sequence; use another as the backbone")
        self.model = model.eval().requires_grad_(False)
        self.d_model, self.vocab_size = config.d_model, model.vocab_size
        self.n_heads = config.n_heads or max(1, config.d_model // 64)
        self.max_seq_len, self.norm_eps = config.max_seq_len, config.norm_eps
        self.rope_theta = config.rope_theta

    @property
    def module(self) -> nn.Module:
        """The model itself."""
        return self.model

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.model.device

    @torch.no_grad()
    def hidden(self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: KVCache | None = None) -> Tensor:
        """What its blocks make of the tokens; see `Backbone.hidden`."""
        return self.model.hidden(input_ids, attention_mask, kv_cache=cache)

    def final_norm(self) -> nn.Module:
        """A copy of the norm between hidden states and head, to be trained."""
        return copy.deepcopy(self.model.norm).requires_grad_(True)

    def normed(self, hidden: Tensor) -> Tensor:
        """Its hidden states after its own final norm."""
        after: Tensor = self.model.norm(hidden)
        return after

    def lm_head(self) -> tuple[Tensor, Tensor | None]:
        """Weight and bias of its head, or of the embedding it is tied to."""
        head = self.model.head
        return (self.model.embedding.weight, None) if head is None else (head.weight, head.bias)

    def new_cache(self, batch: int, max_len: int) -> KVCache:
        """An empty cache for `batch` rows of up to `max_len` tokens."""
        return self.model.new_cache(batch, max_len)

    def flops_per_token(self, seq_len: int) -> int:
        """Operations of its forward pass without the head, per token of a sequence."""
        return flops_per_token(self.model.config, self.vocab_size, seq_len) - 2 * self.d_model * self.vocab_size


def config_for(backbone: Backbone, **keys: Any) -> TrmConfig:
    """A configuration of the backbone's sizes, positions and norm; `keys` are all the others, or replace these."""
    sizes: dict[str, Any] = {
        "d_model": backbone.d_model,
        "n_heads": backbone.n_heads,
        "max_seq_len": backbone.max_seq_len,
        "norm_eps": backbone.norm_eps,
        "rope_theta": backbone.rope_theta,
    }
    return TrmConfig(**{**sizes, **keys})
