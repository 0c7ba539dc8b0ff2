"""A model that answers requests: which one, in which batches, and what is said of each answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longhand.serving.batcher import Batcher, Done
from longhand.serving.clients import Clients
from longhand.serving.keys import Gate
from longhand.serving.measurements import Measurements
from longhand.serving.served_model import ServedModel
from longhand.serving.settings import ServingSettings
from longhand.serving.work import Answering, Drawing, Scoring
from longhand.solvers.base import Completion, TokenChance
from longhand.solvers.judged import Judged


class NoModelError(Exception):
    """No model is loaded."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion, the model that wrote it, what the judge says, and how it was batched."""

    model: ServedModel
    completion: Completion
    judged: Judged | None
    certified: bool
    batch_size: int

    @property
    def verdict(self) -> str | None:
        """The verdict as a word; None if nothing was asked that has an answer."""
        return None if self.judged is None else str(self.judged.verdict)

    @property
    def text(self) -> str:
        """What was written as people write it: the plain answer, unless the model shows its work or wrote none."""
        shows_work = self.model.checkpoint.format.steps != "none"
        answer = self.completion.answer
        if answer is None or shows_work or self.judged is None or not self.judged.is_whole:
            return self.completion.text
        return answer


class Service:
    """What all requests share. Each is answered by the model that was current when it came."""

    def __init__(self, settings: ServingSettings, keys: Sequence[str]) -> None:
        self.settings = settings
        self.measurements = Measurements(lambda: self.batcher.depth)
        self.batcher = Batcher(
            max_batch=settings.max_batch,
            max_wait=settings.max_wait_ms / 1000,
            max_queue=settings.max_queue,
            observe=self.measurements.count_batch,
        )
        self.clients = Clients()
        self.gate = Gate(keys, settings.rate_limit)
        self.is_draining = False
        self._model: ServedModel | None = None

    @property
    def model(self) -> ServedModel:
        """The current one; raises `NoModelError` while there is none."""
        if self._model is None:
            raise NoModelError
        return self._model

    @property
    def is_loaded(self) -> bool:
        """Whether there is a model."""
        return self._model is not None

    def use(self, model: ServedModel) -> None:
        """Answer with this model from the next request on; what waits is still answered by the one it was asked of."""
        self._model = model
        self.measurements.serve(model.name, model.version)

    async def answer(self, model: ServedModel, prompt: str, max_tokens: int | None = None) -> Answer:
        """Answer one prompt greedily; raises what `Batcher.submit` raises."""
        done = await self.do(Answering(model, max_tokens or self.settings.max_tokens), prompt)
        return self._noted(model, done.value, done.batch_size, greedy=True)

    async def draw(
        self, model: ServedModel, prompt: str, *, max_tokens: int, temperature: float, seed: int, n: int
    ) -> list[Answer]:
        """Answer one prompt `n` times, each time drawn anew; raises what `Batcher.submit` raises."""
        done = await self.do(Drawing(model, max_tokens, temperature, seed, n), prompt)
        return [self._noted(model, completion, done.batch_size, greedy=False) for completion in done.value]

    def _noted(self, model: ServedModel, completion: Completion, batch_size: int, *, greedy: bool) -> Answer:
        """The answer with its verdict, counted; only of greedy decoding anything is proved."""
        judged = model.judge(completion)
        answer = Answer(model, completion, judged, greedy and judged is not None and judged.certified, batch_size)
        self.measurements.count_answer(len(completion.token_ids), answer.verdict or "none")
        return answer

    async def score(self, model: ServedModel, ids: Sequence[int], k: int) -> list[list[TokenChance]]:
        """The `k` likeliest tokens at each place of a row but the first."""
        done = await self.do(Scoring(model, k), tuple(ids))
        chances: list[list[TokenChance]] = done.value
        return chances

    async def do(self, kind: Any, item: Any) -> Done:
        """One piece of work by the batcher, within the deadline of a request."""
        return await self.batcher.submit(kind, item, timeout=self.settings.deadline_ms / 1000)

    async def drained(self, seconds: float) -> None:
        """Return when nothing waits any more, or after so many seconds."""
        end = asyncio.get_running_loop().time() + seconds
        while not self.batcher.is_idle and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.01)
