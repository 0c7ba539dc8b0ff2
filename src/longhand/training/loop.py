"""The training loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from longhand.atomic import write_json, write_text
from longhand.errors import UserError
from longhand.runs.checkpoint import copy_checkpoint, load_metrics, save_checkpoint
from longhand.runs.tracker import JSONL, Tracker, read_rows
from longhand.runs.tracker_choice import open_trackers, require_logger
from longhand.training.backend import State, choose_backend
from longhand.training.epoch_log import epoch_log
from longhand.training.interrupt import StopRequest, TrainingInterrupted, stop_on_signal
from longhand.training.log_file import LogFile
from longhand.training.progress import ProgressReport, make_progress
from longhand.training.resume import Resume, resume_run
from longhand.training.run_config import RunConfig, dump_run_config
from longhand.training.run_directory import RunDirectory
from longhand.training.sample_answers import SampleAnswers
from longhand.training.setup import Setup, set_up

COLUMNS = (
    "epoch",
    "loss",
    "balance_loss",
    "learning_rate",
    "grad_norm",
    "examples_per_second",
    "val_loss",
    "val_exact_match",
    "val_token_accuracy",
    "val_token_accuracy_all",
    "val_total",
    "wrong_windows",
    "window_margin",
    "seconds",
)

MEASURED = ("loss", "wrong_windows", "window_margin", *(column for column in COLUMNS if column.startswith("val_")))
"""What a checkpoint says of its weights; the other columns are about the run."""

Row = dict[str, Any]

Hook = Callable[[int, Mapping[str, Any]], bool | None]
"""Called in the main process with the step and the row of every evaluation; training ends when it returns true."""

Finish = Literal["max_steps", "early_stopping", "hook", "proved"]


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run came to: where it lies, how far it went and why it ended, and the metrics of its model.

    `last` are those of the last step, which may be another than the one the model was kept from.
    """

    output_dir: Path
    model_dir: Path
    steps: int
    finish: Finish
    seconds: float
    num_parameters: int
    metrics: Mapping[str, Any]
    last: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON data."""
        return {
            "output_dir": str(self.output_dir),
            "model_dir": str(self.model_dir),
            "steps": self.steps,
            "finish": self.finish,
            "seconds": self.seconds,
            "num_parameters": self.num_parameters,
            "metrics": dict(self.metrics),
            "last": dict(self.last),
        }


def train(
    config: RunConfig,
    output_dir: Path,
    *,
    resume: Resume = None,
    overwrite: bool = False,
    hooks: Sequence[Hook] = (),
    progress: ProgressReport | None = None,
) -> TrainResult:
    """Train a model in this process, which may be one of several that torchrun started.

    `resume` goes on from a checkpoint with a training state or from a run directory; `auto` from the newest state in
    `output_dir`, or from the beginning if there is none. Interrupted by SIGINT or SIGTERM, the run saves its state
    and raises `TrainingInterrupted`. Raises `UserError` for whatever else is the user's to put right, a loss that is
    no longer finite among it.
    """
    started = perf_counter()
    directory = RunDirectory(Path(output_dir))
    if overwrite and resume is not None:
        raise UserError("--overwrite would remove the run that --resume goes on with; give one of them")
    require_logger(config.tracking.logger)
    backend = choose_backend(config.runtime)
    with backend.joined(config.runtime) as group, stop_on_signal(insist=group.world == 1) as stop:
        if resume is None and not overwrite and group.is_main:
            directory.refuse_if_used()
        setup = set_up(config, group)
        state = setup.fresh_state()
        chosen = state.describe(setup.stream.longest - 1)
        setup.provenance.update(chosen)
        notices = resume_run(state, config, directory, resume)
        group.wait_for_all()  # nothing is written before all have read
        report = make_progress(is_main=group.is_main) if progress is None else progress
        if group.is_main:
            if overwrite:
                directory.clear()
            directory.create()
            directory.keep_only([step for step in directory.saved_steps() if step <= state.step])
            write_text(directory.config, dump_run_config(config))
            report = LogFile(directory.log, report)
        try:
            run = _Run(directory, setup, state, hooks, report, stop, started)
        except UserError:
            if group.is_main and not state.step:
                directory.clear()
            raise
        last_word = ""
        try:
            report.start(state.step, setup.plan.total_steps)
            report.say(f"{group.device_type}: " + ", ".join(f"{key} {value}" for key, value in chosen.items()))
            for notice in notices:
                report.say(notice)
            return run.to_the_end()
        except TrainingInterrupted as interruption:
            last_word = str(interruption)
            raise
        finally:
            run.close()
            report.stop()
            if last_word:
                report.say(last_word)


class _Run:
    """One run in motion."""

    def __init__(
        self,
        directory: RunDirectory,
        setup: Setup,
        state: State,
        hooks: Sequence[Hook],
        report: ProgressReport,
        stop: StopRequest,
        started: float,
    ) -> None:
        self.directory, self.setup, self.group = directory, setup, setup.group
        self.state, self.hooks, self.report, self.stop = state, hooks, report, stop
        self.config, self.plan = setup.config.training, setup.plan
        self.row: Row = {}  # the last one logged
        self.row_step = self.row_counted_from = state.step
        self.seconds_before, self.started = state.seconds, started
        self.clock = perf_counter()  # moved on by whatever is no training, so that speed is that of training alone
        self.samples = SampleAnswers(directory.samples, setup, state) if self.group.is_main else None
        self.tracker = self._open_trackers() if self.group.is_main else None

    def to_the_end(self) -> TrainResult:
        """Train until there is a reason to stop, then write the result."""
        state, total = self.state, self.plan.total_steps
        finish: Finish | None = "max_steps" if state.step >= total else self._settled()
        if finish is None:
            with closing(self.setup.batches(state.step, total)) as batches:
                for micro_batches in batches:
                    rate = self.plan.schedule(state.step)
                    interrupted = state.take_step(micro_batches, rate, wants_stop=bool(self.stop))
                    self.report.advance(state.step)
                    finish = self._after_step(interrupted)
                    if finish is not None:
                        break
        assert finish is not None
        return self._finish(finish)

    def _open_trackers(self) -> Tracker:
        config = self.setup.config
        tracking = config.tracking.model_dump()
        return open_trackers(
            self.directory.path, COLUMNS, config.to_dict(), resume_at=self.state.step or None, **tracking
        )

    def close(self) -> None:
        """Close the files."""
        if self.tracker is not None:
            self.tracker.close()

    def _after_step(self, interrupted: bool) -> Finish | None:
        """Measure, log and save where that is due; returns the reason to end, if there is one."""
        step, config = self.state.step, self.config
        at_end = step >= self.plan.total_steps
        evaluate = at_end or step % self.plan.eval_interval == 0
        finish: Finish | None = None
        is_best = False
        if evaluate or step % config.log_interval == 0:
            self._measure(evaluate=evaluate)
        if evaluate:
            is_best = self._select()
            hooked = self._hooked()
            finish = self._proved() or ("max_steps" if at_end else self._settled() or hooked)
        if finish or (config.sample_interval and step % config.sample_interval == 0):
            self._sample()
        due = evaluate if config.save_interval is None else step % config.save_interval == 0
        if due or is_best or finish or interrupted:
            self._save()
        if interrupted and finish is None:
            raise TrainingInterrupted(self.directory.how_to_go_on(step))
        return finish

    def _measure(self, *, evaluate: bool) -> None:
        """Log a row: the training since the last one and, if asked for, the held-out rows."""
        state, step = self.state, self.state.step
        self._refuse_divergence()
        loss, weight, balance = state.totals()
        row: Row = {"loss": loss / weight, "learning_rate": self.plan.schedule(step - 1)}
        if self.plan.steps_per_epoch is not None:
            row = {"epoch": round(step / self.plan.steps_per_epoch, 6), **row}
        if balance_weight := self.setup.config.model.aux_loss_weight:
            row["balance_loss"] = balance / weight / balance_weight
        row["grad_norm"] = state.grad_norm
        examples = (step - self.row_counted_from) * self.config.examples_per_step
        row["examples_per_second"] = round(examples / max(perf_counter() - self.clock, 1e-9), 1)
        if evaluate and self.setup.held_out:
            row |= self.setup.held_out.evaluate(state.evaluated)
        if evaluate:
            row |= state.prove()
        row["seconds"] = round(self._seconds(), 3)
        self.row, self.row_step, self.row_counted_from = row, step, step
        state.start_row()
        if self.tracker is not None:
            self.tracker.log(step, row)
            if evaluate and "epoch" in row:
                self._write_epoch_log()
        self.report.show(step, row)
        self.clock = perf_counter()

    def _sample(self) -> None:
        began = perf_counter()
        if self.samples is not None and self.samples.prompts:
            self.report.say(self.samples.write(self.state))
        self.clock += perf_counter() - began

    def _write_epoch_log(self) -> None:
        write_text(self.directory.epoch_log, epoch_log(read_rows(self.directory.path / JSONL)))

    def _refuse_divergence(self) -> None:
        loss, norm = self.state.totals()[0], self.state.grad_norm
        if math.isfinite(loss) and math.isfinite(norm):
            return
        newest = self.directory.newest_checkpoint()
        remedy = "" if newest is None else f"; the last good state is {newest}"
        raise UserError(
            f"the {'gradient' if math.isfinite(loss) else 'loss'} was no longer finite at step {self.state.step:,};"
            f" lower training.learning_rate ({self.config.learning_rate:g}) or lengthen the warm-up{remedy}"
        )

    def _select(self) -> bool:
        """Let selection take note of the last evaluation; true if these weights have to be kept."""
        if not self.setup.held_out:
            return False
        if self.state.early is not None:
            self.state.early.note(self.row)
        return self.state.best.offer(self.state.step, self.row)

    def _settled(self) -> Finish | None:
        early = self.state.early
        return "early_stopping" if early is not None and early.is_over else None

    def _proved(self) -> Finish | None:
        proof = self.state.proof
        return "proved" if proof is not None and proof.is_done else None

    def _hooked(self) -> Finish | None:
        wanted = self.group.is_main and self._call_hooks()
        return "hook" if self.hooks and self.group.sum_numbers([float(wanted)])[0] else None

    def _call_hooks(self) -> bool:
        return any([bool(hook(self.state.step, self.row)) for hook in self.hooks])  # noqa: C419 - all are called

    def _save(self) -> None:
        """Write the state, then let go of those that are neither the newest nor among the best."""
        began = perf_counter()
        self._refuse_divergence()
        state = self.state
        state.seconds = self._seconds()
        if self.group.is_main:
            measured = self.row if self.row_step == state.step else {}
            metrics = {key: measured[key] for key in MEASURED if key in measured}
            checkpoint = self.setup.checkpoint(state, metrics)
            save_checkpoint(self.directory.checkpoint(state.step), checkpoint, write_state=state.write)
            self.directory.keep_only({state.step, *state.best.steps})
        self.clock += perf_counter() - began

    def _finish(self, finish: Finish) -> TrainResult:
        """Copy the best checkpoint, or the newest where none is best, to where the run's model belongs."""
        state, directory = self.state, self.directory
        step = state.best.steps[0] if state.best.steps else state.step
        if not directory.checkpoint(step).is_dir():  # resumed at its end from another directory
            self._save()
        if self.group.is_main:
            copy_checkpoint(directory.checkpoint(step), directory.model)
        self.group.wait_for_all()
        result = TrainResult(
            output_dir=directory.path,
            model_dir=directory.model,
            steps=state.step,
            finish=finish,
            seconds=self._seconds(),
            num_parameters=state.num_parameters,
            metrics=load_metrics(directory.model),
            last=load_metrics(directory.checkpoint(state.step)),
        )
        if self.group.is_main:
            write_json(directory.results, result.to_dict())
            if state.proof is not None:
                self.report.say(state.proof.report())
        return result

    def _seconds(self) -> float:
        return self.seconds_before + perf_counter() - self.started
