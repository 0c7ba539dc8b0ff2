"""From a configuration to everything the loop turns: data, model, schedule, held-out rows."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from longhand.data.batches import Batch
from longhand.data.folders import open_folder
from longhand.data.stream import TrainStream
from longhand.errors import UserError
from longhand.models.config_rules import check_digits
from longhand.runs.checkpoint import Checkpoint
from longhand.text.layouts.registry import layout
from longhand.text.presets import vocabulary
from longhand.text.vocabulary import Vocabulary
from longhand.training.backend import Backend, HeldOut, Processes, State, choose_backend
from longhand.training.prefetch import prefetched
from longhand.training.provenance import source_commit, versions
from longhand.training.run_config import RunConfig
from longhand.training.schedule import Plan, make_plan


@dataclass(frozen=True)
class Setup:
    """What stays the same while a run goes on. `provenance` is where its models come from, as JSON data."""

    config: RunConfig
    backend: Backend
    group: Processes
    stream: TrainStream
    plan: Plan
    held_out: HeldOut
    provenance: dict[str, Any]

    def fresh_state(self) -> State:
        """The state before the first step; the weights depend on the seed and on nothing else."""
        return self.backend.fresh_state(self.config, len(self.stream.vocabulary), self.group)

    def batches(self, start: int, stop: int) -> Generator[list[Batch], None, None]:
        """The slices of this process in the batches of each optimizer step from `start` to `stop`."""
        n = self.config.training.accumulate_grad_batches
        rank, world = self.group.rank, self.group.world

        def make(step: int) -> list[Batch]:
            return [self.stream.batch(step * n + index, rank, world) for index in range(n)]

        return prefetched(make, start, stop)

    def checkpoint(self, state: State, metrics: dict[str, Any]) -> Checkpoint:
        """The model of this run as it is now and is written to the disk."""
        examples = state.step * self.config.training.examples_per_step
        drilled = {} if state.proof is None else {"windows_drilled": state.proof.n_drilled}
        return Checkpoint(
            model=self.config.model.model_dump(mode="json"),
            weights=state.weights(),
            vocabulary=self.stream.vocabulary,
            format=self.stream.format,
            domain=self.stream.domain,
            metrics=metrics,
            training={
                "steps": state.step,
                "examples": examples,
                "seconds": round(state.seconds, 3),
                **drilled,
                **self.provenance,
            },
        )


def set_up(config: RunConfig, group: Processes) -> Setup:
    """Open the data and plan the run; nothing is written yet.

    Raises `UserError` for data that cannot be read, rows longer than the model's context, and settings that
    contradict each other or the number of processes.
    """
    training = config.training
    if training.batch_size % group.world:
        raise UserError(
            f"training.batch_size {training.batch_size} cannot be shared evenly by {group.world} processes;"
            " use a multiple"
        )
    stream, plan, description = open_data(config)
    backend = choose_backend(config.runtime)
    held_out = backend.held_out(stream, training.eval_samples, group)
    if not held_out and training.early_stopping is not None:
        raise UserError("training.early_stopping needs held-out problems; set data.val_fraction so that there are some")
    provenance = {
        "seed": training.seed,
        "data": description,
        "commit": source_commit() if group.is_main else None,
        "versions": versions(),
        "device": group.machine,
        "config": config.to_dict(),
    }
    return Setup(config, backend, group, stream, plan, held_out, provenance)


def open_data(config: RunConfig) -> tuple[TrainStream, Plan, dict[str, Any]]:
    """The batches of a run, its length and schedule, and what its checkpoints say of its data.

    Raises `UserError` for data that cannot be read, rows longer than the model's context, and impossible schedules.
    """
    training = config.training
    _check_rows(config)
    stream = TrainStream(
        config.data,
        config.to_format(),
        choose_vocabulary(config),
        batch_size=training.batch_size,
        seed=training.seed,
    )
    stream.check_context(config.model.max_seq_len)
    if stream.domain is not None:
        check_digits(len(str(stream.domain.max_operand)), config.model)
    description = stream.describe()
    rows_per_epoch = description["rows"]["train"] if description["source"] == "files" else None
    return stream, make_plan(training, rows_per_epoch), description


def _check_rows(config: RunConfig) -> None:
    """Raise `UserError` unless a model with a layout is trained on the rows that its layout reads."""
    if config.model.layout is None:
        return
    rows = layout(config.model.layout)
    wanted = {
        "vocabulary": (config.vocabulary, rows.vocabulary.name),
        "format.notation": (config.format.notation, "schoolbook"),
        "format.begin": (config.format.begin, True),
        "format.style": (config.format.style, "expression"),
    }
    for key, (value, only) in wanted.items():
        if value != only:
            raise UserError(f"model.layout {config.model.layout} reads rows with {key} {only}, not {value}; set it")
    if config.data.loss == "full":
        raise UserError(
            f"model.layout {config.model.layout} reads a prompt as a whole, and data.loss full counts its tokens one by"
            " one; use completion"
        )


def choose_vocabulary(config: RunConfig) -> Vocabulary:
    """The preset a configuration names; `chars` is built from the files a run is trained on."""
    if config.vocabulary != "chars" or config.data.path is None:
        return vocabulary(config.vocabulary)
    folder = open_folder(config.data.path)
    records = (record for split in folder.files for record in folder.records(split))
    return Vocabulary.from_corpus(text for record in records for text in (record.prompt, record.target))
