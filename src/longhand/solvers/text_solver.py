"""What all models that write token by token share: from prompts as people type them to completions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import MAX_CHARACTERS, parse_expression
from longhand.arithmetic.splits import keyed_random
from longhand.errors import UserError
from longhand.solvers.base import Completion, TokenChance
from longhand.text.formats import Format
from longhand.text.vocabulary import Vocabulary


class Question(NamedTuple):
    """A prompt as it was asked, as the model reads it, and in ids; `whole` if it asks a problem."""

    asked: str
    text: str
    ids: list[int]
    whole: bool


@dataclass(frozen=True, slots=True)
class Written:
    """The ids written after one prompt, with the end mark if `stopped`, and their natural log-probabilities."""

    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    stopped: bool
    seconds: float  # since the start of the batch


@dataclass(frozen=True, slots=True)
class Settings:
    """How to choose what is written; raises `UserError` for what is impossible or would be ignored."""

    temperature: float
    top_k: int | None
    beam: int
    max_new_tokens: int | None
    batch_size: int

    def __post_init__(self) -> None:
        check_sampling(self.temperature, self.top_k)
        if self.beam < 1:
            raise UserError(f"beam is {self.beam}; give at least 1, which is no beam")
        if self.beam > 1 and self.temperature > 0:
            raise UserError(f"beam {self.beam} searches and temperature {self.temperature:g} draws; choose one of them")
        if self.max_new_tokens is not None and self.max_new_tokens < 1:
            raise UserError(f"max_new_tokens is {self.max_new_tokens}; give at least 1")
        if self.batch_size < 1:
            raise UserError(f"batch_size is {self.batch_size}; give at least 1")


class TextSolver(ABC):
    """Answers prompts token by token, in batches, with a key-value cache.

    A prompt that asks a problem, in any spelling people use (`951+11=`, `What is 951 + 11?`), is rewritten in the
    format the model was trained on; anything else the vocabulary can spell, such as the beginning `7+`, is read
    as it is. `max_new_tokens` limits what is written; by default the longest row of the domain does, and the
    model's `context` (tokens) always.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        format: Format,
        domain: Domain | None = None,
        *,
        context: int,
        max_new_tokens: int | None = None,
    ) -> None:
        self.vocabulary = vocabulary
        self.format = format
        self.domain = domain
        self.context = context
        if max_new_tokens is None and domain is not None:
            max_new_tokens = sum(format.max_lengths(domain))
        self.max_new_tokens = max_new_tokens
        self._eos, self._pad = vocabulary.id_of("eos"), vocabulary.id_of("pad")

    @property
    @abstractmethod
    def engine(self) -> str:
        """What decodes: native, torch or numpy."""

    def solve(
        self,
        prompts: Sequence[str],
        *,
        temperature: float = 0.0,
        top_k: int | None = None,
        beam: int = 1,
        seed: int = 0,
        max_new_tokens: int | None = None,
        batch_size: int = 1024,
    ) -> list[Completion]:
        """Return one completion per prompt, as `Solver.solve` promises, decoding `batch_size` rows at a time.

        A prompt cannot be asked that the vocabulary cannot spell, or that leaves no room in the context.
        """
        limit = self.max_new_tokens if max_new_tokens is None else max_new_tokens
        settings = Settings(temperature, top_k, beam, limit, batch_size)
        questions = [self._read(prompt) for prompt in prompts]
        uniforms = Uniforms(seed, questions) if temperature > 0 else None
        written = self._write(questions, settings, uniforms)
        return [self._complete(q, w) for q, w in zip(questions, written, strict=True)]

    def prompt_ids(self, prompt: str) -> list[int]:
        """The ids a prompt is read as; raises `UserError` naming a prompt that cannot be asked."""
        return list(self._read(prompt).ids)

    def next_tokens(self, ids: Sequence[int], k: int) -> list[TokenChance]:
        """The `k` likeliest tokens after `ids`, likeliest first, the lower id of equals.

        Raises `UserError` where the context is full.
        """
        if len(ids) > self.context:
            raise UserError(f"the row has {len(ids)} tokens, and this model reads {self.context}; it ends here")
        logits = self._next_logits(ids)
        logprobs = logits - np.logaddexp.reduce(logits)
        order = np.argsort(-logprobs, kind="stable")[:k]
        return [TokenChance(token_id, float(logprobs[token_id])) for token_id in order.tolist()]

    def complete(self, prompt: str, chances: Sequence[TokenChance]) -> Completion:
        """The completion of a prompt after which these tokens were written; finished if the last is the end mark."""
        ids = tuple(chance.token_id for chance in chances)
        stopped = ids[-1:] == (self._eos,)
        return self._complete(self._read(prompt), Written(ids, tuple(c.logprob for c in chances), stopped, 0.0))

    @abstractmethod
    def _next_logits(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """The logits [vocab] of the token after `ids`."""

    @abstractmethod
    def _write(self, questions: Sequence[Question], settings: Settings, uniforms: Uniforms | None) -> Sequence[Written]:
        """What the model writes after each question, greedily where there are no `uniforms`."""

    def _read(self, prompt: str) -> Question:
        try:
            problem = parse_expression(prompt, semantics=self.format.semantics, division=self.format.division)
        except UserError:
            if len(prompt) > MAX_CHARACTERS:
                raise
            problem = None
        try:
            text = prompt if problem is None else self.format.as_asked(prompt).prompt(problem)
            ids = self.format.spell_prompt(text, self.vocabulary)
        except UserError as error:
            raise UserError(str(error) if prompt in str(error) else f"{prompt!r}: {error}") from error
        if not ids:
            raise UserError(f"{prompt!r} is nothing this model can go on from; give at least one token")
        if len(ids) > self.context:
            raise UserError(
                f"{prompt!r} takes {len(ids)} tokens, more than the {self.context} this model reads; shorten it"
            )
        return Question(prompt, text, ids, problem is not None)

    def _complete(self, question: Question, written: Written) -> Completion:
        text = self.vocabulary.decode(written.token_ids[:-1] if written.stopped else written.token_ids)
        return Completion(
            prompt=question.asked,
            text=text,
            answer=self.format.read_answer(text) if question.whole else self._answer_of_row(question.text + text),
            token_ids=written.token_ids,
            logprobs=written.logprobs,
            finish_reason="stop" if written.stopped else "length",
            seconds=written.seconds,
        )

    def _answer_of_row(self, row: str) -> str | None:
        """The answer of a row the model has begun to write in the middle of its prompt."""
        try:
            return self.format.parse(row).answer
        except UserError:
            return None


class Uniforms:
    """Numbers in [0, 1) for every question and step, whatever else is asked."""

    def __init__(self, seed: int, questions: Sequence[Question]) -> None:
        times_asked: Counter[str] = Counter()
        self._generators = []
        for question in questions:
            self._generators.append(keyed_random(seed, question.text, times_asked[question.text]))
            times_asked[question.text] += 1

    def table(self, rows: Sequence[int], steps: int) -> NDArray[np.float64]:
        """The next `steps` numbers of each of these rows: [rows, steps]."""
        drawn = (self._generators[row].random() for row in rows for _ in range(steps))
        return np.fromiter(drawn, dtype=np.float64, count=len(rows) * steps).reshape(len(rows), steps)

    def draw(self, rows: Sequence[int]) -> NDArray[np.float64]:
        """The next number of each of these rows: [rows]."""
        return self.table(rows, 1)[:, 0]


def check_sampling(temperature: float, top_k: int | None) -> None:
    """Raise `UserError` for settings that are impossible or would be ignored."""
    if not 0 <= temperature < float("inf"):
        raise UserError(f"temperature is {temperature:g}; give 0 (greedy) or a positive number")
    if top_k is not None and top_k < 1:
        raise UserError(f"top_k is {top_k}; give at least 1, or leave it out")
    if top_k is not None and temperature == 0:
        raise UserError(f"top_k {top_k} has no effect at temperature 0, which is greedy; set a temperature")
