"""A recursive head on one of our own models as a solver: evaluation, terminal and service ask it as any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from longhand.arithmetic.domain import Domain
from longhand.models.trm_backbone import DecoderBackbone
from longhand.models.trm_config import Keep
from longhand.models.trm_model import TrmModel
from longhand.olympiad.training.checkpoint import load_head
from longhand.runs.checkpoint import find_checkpoint, load_checkpoint
from longhand.solvers.autoregressive import write_with_cache
from longhand.solvers.text_solver import Question, Settings, TextSolver, Uniforms, Written
from longhand.text.formats import Format
from longhand.text.vocabulary import Vocabulary


class RecursiveSolver(TextSolver):
    """A solver that writes with a recursive head what it reads with one of our models."""

    def __init__(
        self,
        model: TrmModel,
        vocabulary: Vocabulary,
        format: Format,
        domain: Domain | None = None,
        *,
        max_new_tokens: int | None = None,
    ) -> None:
        super().__init__(vocabulary, format, domain, context=model.max_seq_len, max_new_tokens=max_new_tokens)
        self.model = model.eval()

    @property
    def engine(self) -> str:
        """What decodes."""
        return "torch"

    def _write(self, questions: Sequence[Question], settings: Settings, uniforms: Uniforms | None) -> Sequence[Written]:
        return write_with_cache(
            self.model, questions, settings, uniforms, context=self.context, eos_id=self._eos, pad_id=self._pad
        )

    def _next_logits(self, ids: Sequence[int]) -> NDArray[np.float64]:
        row = torch.tensor([list(ids)], device=self.model.device)
        logits: NDArray[np.float64] = self.model(row, logits_to_keep=1)[0, -1].double().cpu().numpy()
        return logits


def load_recursive_solver(
    model: str | Path, head: str | Path, *, n_supervision: int | None = None, kv: Keep | None = None
) -> RecursiveSolver:
    """The solver of a checkpoint of longhand and the head that was trained on it.

    Raises `UserError`, one line, for what is missing or damaged, and for the head of another model.
    """
    checkpoint = load_checkpoint(find_checkpoint(Path(model)))
    backbone = DecoderBackbone(checkpoint.build_model())
    trm = TrmModel(backbone, load_head(Path(head), backbone), n_supervision=n_supervision, kv=kv)
    return RecursiveSolver(trm, checkpoint.vocabulary, checkpoint.format, checkpoint.domain)
