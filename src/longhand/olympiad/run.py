"""A training run as a directory: what was asked for, the tokens, measurements, and the checkpoint.

::

    run.json          the model's directory, the data, and every setting
    tokens/           the store of tokenised rows (olympiad/data/store.py)
    metrics.jsonl     a line per optimizer step
    checkpoint/       what was trained, and what the run needs to go on
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from longhand.atomic import replacing_directory, write_json, write_text
from longhand.errors import UserError
from longhand.models.trm_backbone import config_for
from longhand.olympiad.answering import CHECKPOINT, load_language_model
from longhand.olympiad.data.batches import ShuffledBatches
from longhand.olympiad.data.build_store import Source, build_store
from longhand.olympiad.data.chat import ChatFormat
from longhand.olympiad.data.store import TokenStore
from longhand.olympiad.data.word_problem import RowReport
from longhand.olympiad.tokenizer import load_tokenizer
from longhand.olympiad.training.baseline import BaselineConfig
from longhand.olympiad.training.baseline_trainer import BaselineTrainer
from longhand.olympiad.training.checkpoint import ABOUT
from longhand.olympiad.training.config import RecursiveTrainingConfig
from longhand.olympiad.training.trainer import RecursiveTrainer, StepReport

RUN, TOKENS, METRICS = "run.json", "tokens", "metrics.jsonl"
AnyTrainer = RecursiveTrainer | BaselineTrainer


def start_run(
    directory: Path,
    model: Path,
    source: Source,
    method: BaselineConfig | dict[str, Any],
    config: RecursiveTrainingConfig,
    *,
    batch_size: int,
    max_length: int | None,
    default_length: int = 1024,
    settings: dict[str, Any],
    device: str = "cpu",
    overwrite: bool = False,
) -> tuple[AnyTrainer, RowReport]:
    """Prepare a run in a new directory; returns its trainer, at step 0, and what became of the rows.

    `method` is a baseline, or the keys of a recursive head (`TrmConfig`) that are not the model's. `max_length` None is
    `default_length`, or the model's context if that is shorter. `settings` are kept in run.json. Raises `UserError`,
    and writes nothing, for anything that makes the run impossible, and where a run is already unless `overwrite`.
    """
    if not overwrite and directory.exists() and not (directory.is_dir() and not any(directory.iterdir())):
        raise UserError(f"{directory} is there already; go on with --resume, or replace it with --overwrite")
    backbone = load_language_model(model, device=device)
    chat = ChatFormat(load_tokenizer(model))
    longest = min(default_length, backbone.max_seq_len) if max_length is None else max_length
    if longest > backbone.max_seq_len:
        raise UserError(
            f"max_length {longest} is longer than the {backbone.max_seq_len} tokens this model reads; lower it"
        )
    torch.manual_seed(config.seed)
    with _naming_the_folder(directory) as folder:
        report = build_store(folder / TOKENS, source, chat, max_length=longest)
        batches = _batches(folder, batch_size, config.seed)
        trainer: AnyTrainer
        if isinstance(method, BaselineConfig):
            trainer = BaselineTrainer(backbone, method, config, batches)
        else:
            trainer = RecursiveTrainer(backbone, config_for(backbone, **method), config, batches)
        about = {
            "model": str(model.resolve()),
            "data": source.describe(),
            "rows": report.to_dict(),
            "settings": settings,
        }
        write_json(folder / RUN, {**about, "batch_size": batch_size, "seed": config.seed})
    return trainer, report


def resume_run(directory: Path, model: Path | None = None, *, device: str = "cpu") -> AnyTrainer:
    """The trainer of a run where it was saved last; `model` says where its model is by now, if it was moved.

    Raises `UserError` if there is no run, if it was never saved, or if the model is another.
    """
    about = read_run(directory)
    backbone = load_language_model(model or Path(about["model"]), device=device)
    checkpoint = directory / CHECKPOINT
    if not checkpoint.is_dir():
        raise UserError(f"{directory} was interrupted before it was saved; begin again with --overwrite")
    batches = _batches(directory, about["batch_size"], about["seed"])
    batches.store.check_tokenizer(load_tokenizer(model or Path(about["model"])))
    if (checkpoint / ABOUT).is_file():
        return RecursiveTrainer.resume(checkpoint, backbone, batches)
    return BaselineTrainer.resume(checkpoint, backbone, batches)


def read_run(directory: Path) -> dict[str, Any]:
    """What is known of a run; raises `UserError` if there is none."""
    try:
        about: dict[str, Any] = json.loads((directory / RUN).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{directory} is no run of longhand olympiad train: it has no {RUN}") from error
    except ValueError as error:
        raise UserError(f"{directory / RUN} is damaged; begin again") from error
    return about


def run_of(checkpoint: Path) -> dict[str, Any] | None:
    """What is known of the run that a checkpoint, or the folder of a run, belongs to; None if it stands alone."""
    for folder in (checkpoint, checkpoint.resolve().parent):
        if (folder / RUN).is_file():
            return read_run(folder)
    return None


class MetricsFile:
    """`metrics.jsonl` of a run, which goes on behind step `after`; lines of later steps are written anew."""

    def __init__(self, directory: Path, after: int) -> None:
        path = directory / METRICS
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        # A step writes at most one line, and only whole ones before the last saved state.
        kept = [line for line in lines[:after] if _step_of(line) <= after]
        write_text(path, "".join(f"{line}\n" for line in kept))
        self._file = path.open("a", buffering=1, encoding="utf-8", newline="\n")  # what was measured outlives a kill

    def add(self, report: StepReport) -> None:
        """Write a line."""
        self._file.write(json.dumps(asdict(report)) + "\n")

    def close(self) -> None:
        """No more lines come."""
        self._file.close()


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except ValueError:  # cut off when the run was ended
        return float("inf")


def _batches(directory: Path, batch_size: int, seed: int) -> ShuffledBatches:
    return ShuffledBatches(TokenStore(directory / TOKENS), batch_size, seed=seed)


@contextmanager
def _naming_the_folder(directory: Path) -> Iterator[Path]:
    """A new directory that takes the place of `directory` when it is complete; errors name that, not the temporary."""
    with replacing_directory(directory) as folder:
        try:
            yield folder
        except UserError as error:
            raise UserError(str(error).replace(str(folder), str(directory))) from error
