"""What answers in a contest: a language model, what was trained on it, or one of our models for arithmetic."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from longhand.cli.olympiad.flags import add_drawing_flags, add_flag, add_model_flags
from longhand.errors import UserError
from longhand.olympiad.selection import SELECTORS

LANGUAGE_MODEL = "longhand.olympiad.contest.language_model:load"


@dataclass(frozen=True, slots=True)
class ContestModel:
    """`solver` is what loads it ("module:function"), `arguments` its settings beside the paths."""

    solver: str
    model: Path
    checkpoint: Path | None
    arguments: dict[str, Any]

    def loading(self) -> dict[str, Any]:
        """All arguments, paths among them."""
        paths = {"model": str(self.model.resolve() if self.model.exists() else self.model)}
        if self.checkpoint is not None:
            paths["checkpoint"] = str(self.checkpoint.resolve())
        return {**paths, **self.arguments}


def add_contest_model_flags(parser: argparse.ArgumentParser) -> None:
    """Add which model answers, and how its answers are drawn."""
    add_model_flags(parser, "a Qwen2 model, or one of longhand for arithmetic (a shipped name too)")
    add_flag(parser, "--checkpoint", type=Path, metavar="DIR", help="what was trained on it [nothing]")
    add_drawing_flags(parser)
    add_flag(
        parser, "--select", choices=SELECTORS, default=SELECTORS[0],
        help="how votes are chosen from: majority; weighted by how sure the model was; or those that can be answers",
    )  # fmt: skip
    add_flag(parser, "--early-stop", type=int, metavar="K", help="stop a vote when so many agree [when it is decided]")


def contest_model(arguments: argparse.Namespace) -> ContestModel:
    """The model that the flags name; raises `UserError` for one that is missing or not on this disk."""
    from longhand.olympiad.answering import checkpoint_folder
    from longhand.olympiad.contest.bundle import ARITHMETIC
    from longhand.olympiad.data.chat import ChatFormat
    from longhand.olympiad.tokenizer import load_tokenizer

    if arguments.model is None:
        raise UserError("say which model answers: --model DIR, for example --model add-sub-3")
    if arguments.votes < 1:
        raise UserError(f"--votes {arguments.votes}: somebody has to vote; give at least 1")
    if not _is_qwen2(arguments.model):
        from longhand.registry.find import find_model

        if arguments.checkpoint is not None or arguments.votes > 1 or arguments.select != SELECTORS[0]:
            raise UserError(
                f"{arguments.model} does sums, always the same: leave out --checkpoint, --votes and --select"
            )
        return ContestModel(ARITHMETIC, find_model(arguments.model), None, {})
    ChatFormat(load_tokenizer(arguments.model))
    checkpoint = None if arguments.checkpoint is None else checkpoint_folder(arguments.checkpoint)
    settings = {
        "votes": arguments.votes,
        "temperature": 0.7 if arguments.temperature is None else arguments.temperature,
        "max_new_tokens": arguments.max_new_tokens,
        "early_stop": arguments.early_stop,
        "until_decided": arguments.select == SELECTORS[0],
        "seed": arguments.seed,
    }
    return ContestModel(LANGUAGE_MODEL, arguments.model, checkpoint, settings)


def _is_qwen2(model: Path) -> bool:
    """Whether this is a directory with a Qwen2 model; `UserError` if it is one of another kind."""
    from longhand.olympiad.backbone import QWEN2, model_type
    from longhand.runs.checkpoint import MODEL_TYPE

    if not model.is_dir():
        if len(model.parts) > 1:
            raise UserError(
                f"no model directory at {model}: models are not downloaded; give the path of one that is on this disk"
            )
        return False
    kind = model_type(model)
    if kind not in (None, MODEL_TYPE, QWEN2):
        raise UserError(f"{model} holds a model of type {kind!r}; a contest is answered by {QWEN2} or {MODEL_TYPE}")
    return kind == QWEN2


@contextmanager
def packed_directory(model: ContestModel) -> Iterator[Path]:
    """A directory with the model's files, and in its folder `checkpoint` what was trained on it, without its state."""
    from longhand.olympiad.answering import CHECKPOINT
    from longhand.runs.checkpoint import TRAINING_STATE

    if model.checkpoint is None:
        yield model.model
        return
    with TemporaryDirectory(prefix="longhand-") as folder:
        together = Path(folder) / "model"
        shutil.copytree(model.model, together, copy_function=_link, ignore=shutil.ignore_patterns(".*"))
        shutil.copytree(
            model.checkpoint, together / CHECKPOINT, copy_function=_link,
            ignore=shutil.ignore_patterns(TRAINING_STATE, ".*"),
        )  # fmt: skip
        yield together


def _link(source: str, target: str) -> None:
    Path(target).symlink_to(Path(source).resolve())
