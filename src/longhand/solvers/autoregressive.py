"""A trained decoder as a solver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.splits import keyed_random
from longhand.errors import UserError
from longhand.models.decoder import Decoder
from longhand.native.decoder import CHUNK
from longhand.solvers.base import Completion
from longhand.solvers.beam import beam_search
from longhand.solvers.decoding import Pick, PromptBatch, Written, decode_batch, plan_batches
from longhand.solvers.native import Engine, NativeDecoding, choose_engine
from longhand.solvers.sampling import check_sampling, greedy, sample
from longhand.solvers.teacher_forcing import TeacherForcing
from longhand.text.formats import Format
from longhand.text.vocabulary import Vocabulary

ROWS_PER_CALL = 16_384
"""Prompts handed to the native kernels at a time, so that the arrays of what they write stay small."""


class Question(NamedTuple):
    """A prompt as it was asked, as the model reads it, and in ids; `whole` if it asks a problem."""

    asked: str
    text: str
    ids: list[int]
    whole: bool


class AutoregressiveSolver:
    """Answers prompts token by token, in batches, with a key-value cache.

    A prompt that asks a problem, in any spelling people use (`951+11=`, `What is 951 + 11?`), is rewritten in the
    format the model was trained on; anything else the vocabulary can spell, such as the beginning `7+`, is read
    as it is. `max_new_tokens` limits what is written; by default the longest row of the domain does, and the
    model's context always.

    Answers come from the native kernels where there are any for the model, with `engine` torch from the reference
    decoder, as searched ones always do. Both write the same tokens but where rounding decides.
    """

    def __init__(
        self,
        model: Decoder,
        vocabulary: Vocabulary,
        format: Format,
        domain: Domain | None = None,
        *,
        max_new_tokens: int | None = None,
        engine: Engine = "auto",
    ) -> None:
        self.model = model.eval()
        self.vocabulary = vocabulary
        self.format = format
        self.domain = domain
        if max_new_tokens is None and domain is not None:
            max_new_tokens = sum(format.max_lengths(domain))
        self.max_new_tokens = max_new_tokens
        self._native = choose_engine(model, engine)
        self._forcing = TeacherForcing(model, plain=engine == "torch")
        self._eos, self._pad = vocabulary.id_of("eos"), vocabulary.id_of("pad")

    @property
    def engine(self) -> str:
        """What decodes, unless it searches: native or torch."""
        return "torch" if self._native is None else "native"

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
        """Return one completion per prompt, in order; the completion of a prompt depends on no other prompt.

        Temperature 0 is greedy decoding, `top_k` draws among the likeliest tokens only, `beam` above 1 searches for
        the likeliest whole text. What is drawn depends on `seed`, the prompt, and how often it was asked before in
        this call. `batch_size` rows are decoded at a time. Raises `UserError` for impossible settings, and for a
        prompt that the vocabulary cannot spell or that leaves no room in the context, naming it.
        """
        self._check_settings(temperature, top_k, beam, max_new_tokens, batch_size)
        questions = [self._read(prompt) for prompt in prompts]
        limit = self.max_new_tokens if max_new_tokens is None else max_new_tokens
        uniforms = _Uniforms(seed, questions) if temperature > 0 else None
        if self._native is not None and beam == 1 and not self.model.has_hooks():
            written = self._write_natively(self._native, questions, limit, uniforms, temperature, top_k, batch_size)
        else:
            written = self._write(questions, limit, uniforms, temperature, top_k, beam, batch_size)
        return [self._complete(q, w) for q, w in zip(questions, written, strict=True)]

    def _write_natively(
        self,
        native: NativeDecoding,
        questions: Sequence[Question],
        limit: int | None,
        uniforms: _Uniforms | None,
        temperature: float,
        top_k: int | None,
        batch_size: int,
    ) -> list[Written]:
        written: list[Written] = []
        longest = self.model.config.max_seq_len + 1
        for start in range(0, len(questions), ROWS_PER_CALL):
            rows = range(start, min(start + ROWS_PER_CALL, len(questions)))
            ids = [questions[row].ids for row in rows]
            limits = [min(limit or longest, longest - len(row)) for row in ids]
            written += native.decode(
                ids,
                limits,
                self._eos,
                uniforms=None if uniforms is None else uniforms.table(rows, max(limits)),
                temperature=temperature,
                top_k=top_k,
                chunk=min(batch_size, CHUNK),
            )
        return written

    def _write(
        self,
        questions: Sequence[Question],
        limit: int | None,
        uniforms: _Uniforms | None,
        temperature: float,
        top_k: int | None,
        beam: int,
        batch_size: int,
    ) -> list[Written]:
        written: dict[int, Written] = {}
        lengths = [len(question.ids) for question in questions]
        context = self.model.config.max_seq_len
        for batch in plan_batches(lengths, limit, context, max(1, batch_size // beam)):
            ids = [questions[row].ids for row in batch.rows]
            limits = {"limit": batch.limit, "eos_id": self._eos, "pad_id": self._pad}
            if beam > 1:
                results = beam_search(self.model, ids, width=beam, **limits)
            else:
                results = decode_batch(self.model, ids, _picker(batch, uniforms, temperature, top_k), **limits)
            written |= zip(batch.rows, results, strict=True)
        return [written[row] for row in range(len(questions))]

    def exact_rows(
        self,
        ids: NDArray[np.integer[Any]],
        prompt_lengths: NDArray[np.integer[Any]],
        lengths: NDArray[np.integer[Any]],
    ) -> NDArray[np.bool_]:
        """Return [n]: greedy decoding of the first `prompt_lengths` ids surely writes the rest of the row."""
        return self._forcing.exact_rows(ids, prompt_lengths, lengths)

    def token_matches(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Return [n, width - 1]: the id after each position is the most likely one; false on padding."""
        return self._forcing.token_matches(ids, lengths)

    def _check_settings(
        self, temperature: float, top_k: int | None, beam: int, max_new_tokens: int | None, batch_size: int
    ) -> None:
        check_sampling(temperature, top_k)
        if beam < 1:
            raise UserError(f"beam is {beam}; give at least 1, which is no beam")
        if beam > 1 and temperature > 0:
            raise UserError(f"beam {beam} searches and temperature {temperature:g} draws; choose one of them")
        if max_new_tokens is not None and max_new_tokens < 1:
            raise UserError(f"max_new_tokens is {max_new_tokens}; give at least 1")
        if batch_size < 1:
            raise UserError(f"batch_size is {batch_size}; give at least 1")

    def _read(self, prompt: str) -> Question:
        try:
            problem = parse_expression(prompt, semantics=self.format.semantics, division=self.format.division)
        except UserError:
            problem = None
        try:
            text = prompt if problem is None else self.format.prompt(problem)
            ids = self.format.spell_prompt(text, self.vocabulary)
        except UserError as error:
            raise UserError(str(error) if prompt in str(error) else f"{prompt!r}: {error}") from error
        if not ids:
            raise UserError(f"{prompt!r} is nothing this model can go on from; give at least one token")
        context = self.model.config.max_seq_len
        if len(ids) > context:
            raise UserError(f"{prompt!r} takes {len(ids)} tokens, more than the {context} this model reads; shorten it")
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


class _Uniforms:
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

    def draw(self, rows: Sequence[int]) -> Tensor:
        """The next number of each of these rows: float64 [rows]."""
        return torch.tensor([self._generators[row].random() for row in rows], dtype=torch.float64)


def _picker(batch: PromptBatch, uniforms: _Uniforms | None, temperature: float, top_k: int | None) -> Pick:
    if uniforms is None:
        return lambda logits, rows: greedy(logits)

    def pick(logits: Tensor, rows: Tensor) -> Tensor:
        drawn = uniforms.draw([batch.rows[row] for row in rows.tolist()])
        return sample(logits, drawn, temperature, top_k)

    return pick
