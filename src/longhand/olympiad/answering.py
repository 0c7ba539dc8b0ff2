"""A language model on this disk that is asked questions: a backbone, or what was trained on it, and its tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from longhand.errors import UserError
from longhand.models.trm import RecursiveHead
from longhand.models.trm_backbone import Backbone, DecoderBackbone
from longhand.models.trm_config import Keep
from longhand.models.trm_model import TrmModel
from longhand.olympiad.backbone import load_backbone
from longhand.olympiad.data.characters import normalise_characters
from longhand.olympiad.data.chat import ChatFormat
from longhand.olympiad.generate import LanguageModel, PlainModel, generate
from longhand.olympiad.tokenizer import load_tokenizer
from longhand.olympiad.training.baseline import load_baseline
from longhand.olympiad.training.checkpoint import ABOUT, BASELINE_ABOUT, load_head

CHECKPOINT = "checkpoint"
"""The folder of a run, or of a packed model, that holds what was trained."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model wrote: `truncated` if it had not come to an end; the mean log-probability of its tokens (nats)."""

    text: str
    truncated: bool
    n_tokens: int
    mean_logprob: float


class Answering:
    """A model, the chat format it is asked in, and what it is made of; `head` is None unless it has a recursive one."""

    def __init__(
        self, chat: ChatFormat, model: LanguageModel, backbone: Backbone, head: RecursiveHead | None, name: str
    ) -> None:
        self.chat, self.model, self.backbone, self.head, self.name = chat, model, backbone, head, name

    def prompt_ids(self, question: str) -> list[int]:
        """The ids a model is asked with: characters are those of the training text."""
        return self.chat.prompt_ids(normalise_characters(question))

    def ask(
        self,
        questions: Sequence[str],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        batch_size: int = 32,
    ) -> list[Reply]:
        """Replies in the order of the questions; asked twice with a temperature, a question gets two draws.

        Raises what `generate` does, for a prompt that is longer than the context among others.
        """
        pad = self.chat.tokenizer.pad_token_id
        written = generate(
            self.model,
            [self.prompt_ids(question) for question in questions],
            max_new_tokens=max_new_tokens,
            eos_id=self.chat.eos_id,
            pad_id=self.chat.eos_id if pad is None else int(pad),
            temperature=temperature,
            seed=seed,
            batch_size=batch_size,
        )
        return [
            Reply(
                self.chat.decode_answer(row.token_ids, 0),
                not row.stopped,
                len(row.token_ids),
                sum(row.logprobs) / max(1, len(row.logprobs)),
            )
            for row in written
        ]


def load_answering(
    model: Path,
    checkpoint: Path | None = None,
    *,
    device: str = "cpu",
    n_supervision: int | None = None,
    kv: Keep | None = None,
) -> Answering:
    """The model in a directory, or what a checkpoint makes of it: a recursive head or a tuned baseline.

    `n_supervision` and `kv` say how a head answers, by default as it was trained. Raises `UserError`, one line, for
    what is missing, damaged, of another architecture, or of another model.
    """
    backbone = load_language_model(model, device=device)
    chat = ChatFormat(load_tokenizer(model))
    if checkpoint is None:
        return Answering(chat, PlainModel(backbone), backbone, None, "backbone alone")
    folder = checkpoint_folder(checkpoint)
    if (folder / ABOUT).is_file():
        head = load_head(folder, backbone)
        return Answering(chat, TrmModel(backbone, head, n_supervision=n_supervision, kv=kv), backbone, head, "trm")
    if n_supervision is not None or kv is not None:
        raise UserError(
            f"{folder} is a baseline; supervision-steps and kv are of recursive heads alone: leave them out"
        )
    baseline = load_baseline(folder, backbone)
    return Answering(chat, PlainModel(baseline.backbone), baseline.backbone, None, baseline.config.method)


def load_language_model(model: Path, *, device: str = "cpu") -> Backbone:
    """A backbone that word problems can be put to; raises `UserError` for one that has no tokenizer of texts."""
    backbone = load_backbone(model, device=device)
    if isinstance(backbone, DecoderBackbone):
        raise UserError(
            f"{model} is a model of longhand for arithmetic, whose vocabulary has no words; give a Qwen2 directory"
            " (a small one: longhand olympiad model --out models/tiny-qwen2)"
        )
    return backbone


def checkpoint_folder(path: Path) -> Path:
    """The folder with what was trained: a checkpoint itself, or the one of a run; `UserError` if there is none."""
    if not path.is_dir():
        raise UserError(f"no checkpoint at {path}: no such directory")
    for folder in (path, path / CHECKPOINT):
        if (folder / ABOUT).is_file() or (folder / BASELINE_ABOUT).is_file():
            return folder
    raise UserError(f"{path} holds no checkpoint of longhand olympiad train: it has no {ABOUT} and no {BASELINE_ABOUT}")
