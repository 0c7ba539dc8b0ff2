"""From token ids to what a model writes after them: greedily or drawn, in batches, with exact caches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from longhand.arithmetic.splits import keyed_random
from longhand.errors import UserError
from longhand.evaluation.intervals import wilson_interval
from longhand.models.trm_backbone import Backbone, BackboneCache
from longhand.models.trm_config import Keep
from longhand.models.trm_model import TrmModel
from longhand.solvers.decoding import CachedModel, Pick, decode_batch, plan_batches
from longhand.solvers.sampling import greedy, sample
from longhand.solvers.text_solver import Written, check_sampling


class LanguageModel(CachedModel, Protocol):
    """A model that goes on from where it has read: `TrmModel`, `PlainModel`, or one of the same contract."""

    @property
    def max_seq_len(self) -> int:
        """The longest sequence it reads (tokens)."""
        ...


class PlainModel:
    """A backbone alone, called as a `Decoder` is: what a recursion has to be compared with."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.backbone.device

    @property
    def max_seq_len(self) -> int:
        """The longest sequence it reads (tokens)."""
        return self.backbone.max_seq_len

    def new_cache(self, batch: int, max_len: int) -> BackboneCache:
        """An empty cache for `batch` rows of up to `max_len` tokens."""
        return self.backbone.new_cache(batch, max_len)

    def __call__(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        *,
        kv_cache: BackboneCache | None = None,
        logits_to_keep: int = 0,
    ) -> Tensor:
        """Logits of the next token after each of `input_ids` [batch, time]."""
        hidden = self.backbone.hidden(input_ids, attention_mask, kv_cache)
        return self.backbone.logits(hidden if logits_to_keep < 1 else hidden[:, -logits_to_keep:])


def generate(
    model: LanguageModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    eos_id: int,
    pad_id: int,
    temperature: float = 0.0,
    top_k: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
) -> list[Written]:
    """What a model writes after each prompt (token ids), in the order of the prompts.

    `token_ids` are what comes after the prompt, with the end mark where it was written: a row stops at its own, and
    its neighbours go on. Rows of a batch are padded on the left, and what a row is given depends on no other: with a
    temperature, on `seed`, the prompt and how often it was asked before in this call. Raises `UserError` for
    impossible settings, an empty prompt, and one that leaves no room in the context.
    """
    check_sampling(temperature, top_k)
    for name, value in (("max_new_tokens", max_new_tokens), ("batch_size", batch_size)):
        if value < 1:
            raise UserError(f"{name} is {value}; give at least 1")
    for index, prompt in enumerate(prompts):
        if not 1 <= len(prompt) <= model.max_seq_len:
            raise UserError(
                f"prompt {index} has {len(prompt)} tokens, and this model reads 1 to {model.max_seq_len}; shorten it"
            )
    draws = _Draws(seed, prompts, temperature, top_k)
    written: dict[int, Written] = {}
    lengths = [len(prompt) for prompt in prompts]
    for batch in plan_batches(lengths, max_new_tokens, model.max_seq_len, batch_size):
        asked = [prompts[row] for row in batch.rows]
        results = decode_batch(model, asked, draws.pick(batch.rows), limit=batch.limit, eos_id=eos_id, pad_id=pad_id)
        written |= zip(batch.rows, results, strict=True)
    return [written[row] for row in range(len(prompts))]


class _Draws:
    """A generator of its own for every prompt."""

    def __init__(self, seed: int, prompts: Sequence[Sequence[int]], temperature: float, top_k: int | None) -> None:
        self.temperature, self.top_k = temperature, top_k
        times_asked: Counter[tuple[int, ...]] = Counter()
        self._generators = []
        for prompt in map(tuple, prompts):
            self._generators.append(keyed_random(seed, " ".join(map(str, prompt)), times_asked[prompt]))
            times_asked[prompt] += 1

    def pick(self, prompts: Sequence[int]) -> Pick:
        """How the tokens of a batch of these prompts are chosen."""
        if self.temperature == 0:
            return lambda logits, rows: greedy(logits)

        def draw(logits: Tensor, rows: Tensor) -> Tensor:
            uniforms = [self._generators[prompts[row]].random() for row in rows.tolist()]
            drawn = torch.tensor(uniforms, dtype=torch.float64, device=logits.device)
            return sample(logits, drawn, self.temperature, self.top_k)

        return draw


@dataclass(frozen=True, slots=True)
class CacheAgreement:
    """How far greedy answers from the last rounds' keys and values are those of all rounds'.

    `same_answers` of `n_prompts` are equal to the last token. `same_tokens` of `n_tokens` are what the approximation
    would write after the *same* beginning, that of the exact answer: one early difference does not count for all
    that follows it.
    """

    n_prompts: int
    same_answers: int
    n_tokens: int
    same_tokens: int

    def __str__(self) -> str:
        low, high = wilson_interval(self.same_tokens, self.n_tokens)
        return (
            f"kv: last agrees with exact on {self.same_tokens:,} of {self.n_tokens:,} tokens"
            f" ({self.same_tokens / max(1, self.n_tokens):.1%}, 95% {low:.1%} to {high:.1%}),"
            f" and on {self.same_answers:,} of {self.n_prompts:,} whole answers"
        )


def cache_agreement(
    model: TrmModel, prompts: Sequence[Sequence[int]], *, max_new_tokens: int, eos_id: int, pad_id: int
) -> CacheAgreement:
    """Compare greedy answers from both kinds of cache."""
    exact, last = (TrmModel(model.backbone, model.head, n_supervision=model.n_supervision, kv=kv) for kv in _KINDS)
    limits = {"max_new_tokens": max_new_tokens, "eos_id": eos_id, "pad_id": pad_id}
    right = [row.token_ids for row in generate(exact, prompts, **limits)]
    approximate = [row.token_ids for row in generate(last, prompts, **limits)]
    same = [_agreeing(last, prompt, answer) for prompt, answer in zip(prompts, right, strict=True)]
    return CacheAgreement(
        n_prompts=len(prompts),
        same_answers=sum(a == b for a, b in zip(right, approximate, strict=True)),
        n_tokens=sum(map(len, right)),
        same_tokens=sum(same),
    )


_KINDS: tuple[Keep, Keep] = ("exact", "last")


def _agreeing(model: TrmModel, prompt: Sequence[int], answer: Sequence[int]) -> int:
    """How many tokens of `answer` the model finds likeliest where it stands after the prompt and those before."""
    cache = model.new_cache(1, len(prompt) + len(answer))
    ids, same = torch.tensor([list(prompt)], device=model.device), 0
    for token in answer:
        same += int(model(ids, kv_cache=cache, logits_to_keep=1)[0, -1].argmax()) == token
        ids = ids.new_tensor([[token]])
    return same
