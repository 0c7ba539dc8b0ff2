"""The trunk every model here shares: token embedding, blocks, final norm, head."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.models.attention import Attention
from longhand.models.config import ModelConfig
from longhand.models.experts import Experts, balance_loss
from longhand.models.generate import generate_greedily
from longhand.models.kv_cache import BlockMemory, KVCache, LayerCache
from longhand.models.masks import CausalBias, is_right_padded
from longhand.models.pope import PolarPositions
from longhand.models.positions import Positions, RotaryPositions, count_positions
from longhand.models.reading import Reading
from longhand.models.recurrence import Recurrence
from longhand.models.state_space import StateCache


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)), with the norms, the attention and the MLP given."""

    def __init__(
        self, attention_norm: nn.Module, attention: Attention, mlp_norm: nn.Module, mlp: nn.Module, *, dropout: float
    ) -> None:
        super().__init__()
        self.attention_norm = attention_norm
        self.attention = attention
        self.mlp_norm = mlp_norm
        self.mlp = mlp
        self.dropout = dropout

    def forward(self, x: Tensor, reading: Reading, cache: LayerCache | None, keep: int) -> Tensor:
        """Map `x` [batch, time, d_model] to its last `keep` tokens [batch, keep, d_model]."""
        bias = reading.bias[..., -keep:, :]
        gathered = self.attention(self.attention_norm(x), bias, reading.rotation, cache, keep)
        if keep < x.size(1):
            x = x[:, -keep:]
        x = x + F.dropout(gathered, self.dropout, self.training)
        return x + F.dropout(self.mlp(self.mlp_norm(x)), self.dropout, self.training)


class Decoder(nn.Module):
    """A decoder-only language model put together from given parts; `build_model` makes one from a config.

    `positions` adds a vector per position or is None; `rotary` gives the angles of queries and keys or is None; `head`
    maps to logits or is None, in which case the token embedding does. The blocks are passed `n_loops` times, one after
    the other (arXiv:1807.03819), each time after a vector of `loop_embeddings` was added, if given. `memory` is what
    the blocks share, if anything; `recurrence` passes some of them again and again, if given.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        embedding: nn.Embedding,
        positions: nn.Module | None,
        rotary: RotaryPositions | PolarPositions | None,
        loop_embeddings: nn.Embedding | None,
        blocks: Sequence[nn.Module],
        memory: nn.Module | None = None,
        recurrence: Recurrence | None = None,
        norm: nn.Module,
        head: nn.Linear | None,
        embedding_dropout: float,
    ) -> None:
        super().__init__()
        self.config = config
        self.embedding_scale = config.d_model**0.5 if config.scale_embeddings else 1.0
        self.embedding_dropout = embedding_dropout
        self.embedding = embedding
        self.positions = positions
        self.rotary = rotary
        self.loop_embeddings = loop_embeddings
        self.blocks = nn.ModuleList(blocks)
        self.memory = memory
        self.recurrence = recurrence
        self.norm = norm
        self.head = head
        self.causal_bias = CausalBias(config.max_seq_len)
        self._real: Tensor | None = None  # the attention mask of the last forward pass

    @property
    def vocab_size(self) -> int:
        """Tokens the model can read and write."""
        return self.embedding.num_embeddings

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.embedding.weight.device

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        *,
        kv_cache: KVCache | None = None,
        logits_to_keep: int = 0,
    ) -> Tensor:
        """Logits of the next token after each token of `input_ids`, int64 [batch, time]: [batch, time, vocab].

        `attention_mask` [batch, time] is 0 or False at padding, on either side; positions count real tokens only.
        With `kv_cache` the ids continue the tokens already read, and the mask speaks of the new ones only.
        With `logits_to_keep` n > 0 only the last n logits are computed, [batch, n, vocab]: the last block then
        asks n queries, and its MLP, the final norm and the head see n tokens.

        Raises `UserError` when the tokens read exceed `max_seq_len` or the cache.
        """
        x = self.norm(self.hidden(input_ids, attention_mask, kv_cache=kv_cache, logits_to_keep=logits_to_keep))
        logits: Tensor = F.linear(x, self.embedding.weight) if self.head is None else self.head(x)
        return logits

    def hidden(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        *,
        kv_cache: KVCache | None = None,
        logits_to_keep: int = 0,
    ) -> Tensor:
        """What the blocks make of the tokens, before the final norm: [batch, time or n, d_model].

        It is asked for, and raises, as the model itself is.
        """
        time = input_ids.size(1)
        past = 0 if kv_cache is None else kv_cache.length
        total = past + time
        if total > self.config.max_seq_len:
            raise UserError(
                f"a sequence of {total} tokens is longer than the model's max_seq_len of {self.config.max_seq_len};"
                " shorten it or train a model with a larger max_seq_len"
            )
        self._real = None if attention_mask is None else attention_mask.bool()
        where, reading = self._place(input_ids, self._real, kv_cache, total)

        x = self.embedding(input_ids)
        if self.embedding_scale != 1.0:
            x = x * self.embedding_scale
        if self.positions is not None:
            x = x + self.positions(where)
        x = F.dropout(x, self.embedding_dropout, self.training)
        keep = min(logits_to_keep, time) if logits_to_keep > 0 else time
        return self._through_blocks(x, reading, kv_cache, keep)

    def _place(
        self, input_ids: Tensor, new_real: Tensor | None, kv_cache: KVCache | None, total: int
    ) -> tuple[Positions, Reading]:
        """Positions of the tokens, and what blocks know of them: later tokens and padding are hidden."""
        time = input_ids.size(1)
        real = new_real
        if kv_cache is not None:
            real = kv_cache.admit(input_ids, new_real)
        elif real is not None and is_right_padded(real):
            real = new_real = None
        where: Positions = slice(total - time, total)
        bias = self.causal_bias(time, total)
        if real is not None:
            where, bias = count_positions(real)[:, total - time :], self.causal_bias.padded(real, time)
        return where, Reading(bias, None if self.rotary is None else self.rotary(where), new_real)

    def _through_blocks(self, x: Tensor, reading: Reading, kv_cache: KVCache | None, keep: int) -> Tensor:
        """Map `x` [batch, time, d_model] to its last `keep` tokens as the blocks leave them."""
        if self.recurrence is not None:
            looped: Tensor = self.recurrence(self.blocks, x, reading, kv_cache, keep)
            return looped
        n_blocks, last = len(self.blocks), self.config.depth - 1
        for layer in range(self.config.depth):
            loop, place = divmod(layer, n_blocks)
            if place == 0 and self.loop_embeddings is not None:
                x = x + self.loop_embeddings.weight[loop]
            cache = None if kv_cache is None else kv_cache.layers[layer]
            x = self.blocks[place](x, reading, cache, keep if layer == last else x.size(1))
        return x

    def auxiliary_loss(self) -> Tensor | None:
        """Balance loss of the experts in the last forward pass, or None for a model without experts.

        Not yet multiplied by `config.aux_loss_weight`. See `balance_loss`.
        """
        routings = [m.routing for m in self.modules() if isinstance(m, Experts) and m.routing is not None]
        return balance_loss(routings, self._real) if routings else None

    @property
    def draws_in_training(self) -> bool:
        """Whether a forward pass in training draws random numbers, from torch's global generator."""
        return self.config.dropout > 0 or bool(self.config.random_loops)

    def has_hooks(self) -> bool:
        """Whether somebody listens to or changes what the modules compute: then the modules have to compute it."""
        return any(module._forward_hooks or module._forward_pre_hooks for module in self.modules())

    def num_parameters(self) -> int:
        """Trainable numbers, tied weights counted once."""
        return sum(parameter.numel() for parameter in self.parameters())

    def new_cache(self, batch: int, max_len: int | None = None) -> KVCache:
        """An empty cache for `batch` rows of up to `max_len` tokens (default: max_seq_len)."""
        max_len = max_len or self.config.max_seq_len
        depth = self.config.depth if self.recurrence is None else self.recurrence.depth
        layers = [self._new_memory(batch, max_len) for _ in range(depth)]
        return KVCache(layers, batch, max_len)

    def _new_memory(self, batch: int, max_len: int) -> BlockMemory:
        return StateCache() if self.config.block == "ssm" else LayerCache(batch, max_len)

    def generate(
        self, input_ids: Tensor, max_new_tokens: int, eos_id: int, attention_mask: Tensor | None = None
    ) -> Tensor:
        """Continue every row with its most likely token, again and again; see `generate_greedily`."""
        return generate_greedily(self, input_ids, max_new_tokens, eos_id, attention_mask)
