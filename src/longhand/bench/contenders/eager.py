"""A GPT-2 as most tutorials write it, in eager PyTorch, after nanoGPT: one file, no tricks.

The same shape as ours, with the same names of weights. The loss is over all positions, attention is
`F.scaled_dot_product_attention`, the optimizer AdamW in its fused form, and answers are generated without a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle, islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from longhand.bench.spec import DecodeSpec, Precision, TrainSpec
from longhand.models.config import ModelConfig


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, time, width] to the same."""
        batch, time, width = x.shape
        q, k, v = self.qkv(x).split(width, dim=2)
        q, k, v = (t.view(batch, time, self.heads, width // self.heads).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        projected: Tensor = self.out(y.transpose(1, 2).contiguous().view(batch, time, width))
        return projected


class Mlp(nn.Module):
    """Two matrices with a GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, time, width] to the same."""
        y: Tensor = self.down(F.gelu(self.up(x), approximate="tanh"))
        return y


class Block(nn.Module):
    """Attention, then the MLP, each after a norm and added to the residual stream."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = Mlp(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, time, width] to the same."""
        x = x + self.attention(self.attention_norm(x))
        y: Tensor = x + self.mlp(self.mlp_norm(x))
        return y


class Gpt(nn.Module):
    """Embeddings, blocks, a last norm, and the token embedding once more as the head."""

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        width = config.d_model
        self.embedding = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(config.max_seq_len, width)
        self.blocks = nn.ModuleList(Block(width, config.n_heads, config.d_ff) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, ids: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Logits [batch, time, vocab] of `ids` [batch, time], and the mean cross-entropy if there are targets."""
        x = self.embedding(ids) + self.positions(torch.arange(ids.size(1), device=ids.device))
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x), self.embedding.weight)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))

    @torch.no_grad()
    def generate(self, ids: Tensor, new_tokens: int) -> Tensor:
        """Append the likeliest token, `new_tokens` times, reading everything anew each time."""
        for _ in range(new_tokens):
            logits, _ = self(ids)
            ids = torch.cat((ids, logits[:, -1].argmax(dim=-1, keepdim=True)), dim=1)
        return ids


def build(spec: TrainSpec) -> Gpt:
    """The model with the weights ours begins with."""
    from longhand.models.build import build_model

    config = spec.model_config()
    model = Gpt(config, spec.vocab_size)
    model.load_state_dict(build_model(config, spec.vocab_size, seed=spec.seed).state_dict())
    return model


def optimizer_of(model: nn.Module) -> torch.optim.AdamW:
    """AdamW with weight decay on matrices, as nanoGPT sets it up."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.95), fused=True)


def train_contender(spec: TrainSpec, precision: Precision = "fp32") -> Callable[[int], None]:
    """The training loop of a tutorial; the function that comes back takes so many steps."""
    model = build(spec)
    optimizer = optimizer_of(model)
    ready = cycle([(torch.from_numpy(b.input_ids), torch.from_numpy(b.targets)) for b in spec.batches()])

    def run(steps: int) -> None:
        for ids, targets in islice(ready, steps):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                _, loss = model(ids, targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    return run


def decode_contender(spec: DecodeSpec, precision: Precision = "fp32") -> Callable[[Sequence[str]], list[list[int]]]:
    """Generation without a cache; prompts of different lengths are asked length by length, for lack of a mask."""
    model = Gpt(spec.model_config(), spec.vocab_size)
    model.load_state_dict(spec.model().state_dict())
    model.eval()
    words, format = spec.vocabulary, spec.format

    def answer(prompts: Sequence[str]) -> list[list[int]]:
        spelled = [format.spell_prompt(spec.spelled(prompt), words) for prompt in prompts]
        written: list[list[int]] = [[] for _ in prompts]
        for length in sorted(set(map(len, spelled))):
            rows = [row for row, ids in enumerate(spelled) if len(ids) == length]
            ids = model.generate(torch.tensor([spelled[row] for row in rows]), spec.new_tokens)
            for row, tokens in zip(rows, ids[:, length:].tolist(), strict=True):
                written[row] = tokens
        return written

    return answer
