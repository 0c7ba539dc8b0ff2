"""A trained decoder as a solver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longhand.arithmetic.domain import Domain
from longhand.models.decoder import Decoder
from longhand.native.decoder import CHUNK
from longhand.runs.certificate import Certificate
from longhand.solvers.beam import beam_search
from longhand.solvers.decoding import CachedModel, Pick, PromptBatch, decode_batch, plan_batches
from longhand.solvers.native import Engine, NativeDecoding, choose_engine
from longhand.solvers.sampling import greedy, sample
from longhand.solvers.teacher_forcing import TeacherForcing
from longhand.solvers.text_solver import Question, Settings, TextSolver, Uniforms, Written
from longhand.text.formats import Format
from longhand.text.vocabulary import Vocabulary

ROWS_PER_CALL = 16_384
"""Prompts handed to the native kernels at a time, so that the arrays of what they write stay small."""


class AutoregressiveSolver(TextSolver):
    """A solver whose model torch or the native kernels compute.

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
        certificate: Certificate | None = None,
    ) -> None:
        super().__init__(vocabulary, format, domain, context=model.config.max_seq_len, max_new_tokens=max_new_tokens)
        self.model = model.eval()
        self._native = choose_engine(model, engine)
        self._forcing = TeacherForcing(model, plain=engine == "torch")
        self._certificate = certificate

    @property
    def engine(self) -> str:
        """What decodes, unless it searches: native or torch."""
        return "torch" if self._native is None else "native"

    @property
    def certificate(self) -> Certificate | None:
        """What was proved of the model as it is computed here: in this number format, with this engine."""
        dtype = str(self.model.embedding.weight.dtype).removeprefix("torch.")
        proved = self._certificate
        return proved if proved is not None and proved.holds_for(dtype, self.engine) else None

    def _write(self, questions: Sequence[Question], settings: Settings, uniforms: Uniforms | None) -> Sequence[Written]:
        if self._native is not None and settings.beam == 1 and not self.model.has_hooks():
            return self._write_natively(self._native, questions, settings, uniforms)
        return write_with_cache(
            self.model, questions, settings, uniforms, context=self.context, eos_id=self._eos, pad_id=self._pad
        )

    def _write_natively(
        self, native: NativeDecoding, questions: Sequence[Question], settings: Settings, uniforms: Uniforms | None
    ) -> list[Written]:
        written: list[Written] = []
        longest = self.context + 1
        for start in range(0, len(questions), ROWS_PER_CALL):
            rows = range(start, min(start + ROWS_PER_CALL, len(questions)))
            ids = [questions[row].ids for row in rows]
            limits = [min(settings.max_new_tokens or longest, longest - len(row)) for row in ids]
            written += native.decode(
                ids,
                limits,
                self._eos,
                uniforms=None if uniforms is None else uniforms.table(rows, max(limits)),
                temperature=settings.temperature,
                top_k=settings.top_k,
                chunk=min(settings.batch_size, CHUNK),
            )
        return written

    @torch.inference_mode()
    def _next_logits(self, ids: Sequence[int]) -> NDArray[np.float64]:
        row = torch.tensor([list(ids)], device=self.model.embedding.weight.device)
        logits: NDArray[np.float64] = self.model(row, logits_to_keep=1)[0, -1].double().cpu().numpy()
        return logits

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


def write_with_cache(
    model: CachedModel,
    questions: Sequence[Question],
    settings: Settings,
    uniforms: Uniforms | None,
    *,
    context: int,
    eos_id: int,
    pad_id: int,
) -> list[Written]:
    """What a model writes after each question, in batches of rows that are nearly equally long."""
    written: dict[int, Written] = {}
    lengths = [len(question.ids) for question in questions]
    batch_size = max(1, settings.batch_size // settings.beam)
    for batch in plan_batches(lengths, settings.max_new_tokens, context, batch_size):
        ids = [questions[row].ids for row in batch.rows]
        limits = {"limit": batch.limit, "eos_id": eos_id, "pad_id": pad_id}
        if settings.beam > 1:
            results = beam_search(model, ids, width=settings.beam, **limits)
        else:
            results = decode_batch(model, ids, _picker(batch, uniforms, settings), **limits)
        written |= zip(batch.rows, results, strict=True)
    return [written[row] for row in range(len(questions))]


def _picker(batch: PromptBatch, uniforms: Uniforms | None, settings: Settings) -> Pick:
    if uniforms is None:
        return lambda logits, rows: greedy(logits)

    def pick(logits: Tensor, rows: Tensor) -> Tensor:
        drawn = torch.from_numpy(uniforms.draw([batch.rows[row] for row in rows.tolist()]))
        return sample(logits, drawn, settings.temperature, settings.top_k)

    return pick
