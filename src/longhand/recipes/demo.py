"""Whole experiments, the flow of data written once from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from longhand.arithmetic.domain import Domain
from longhand.atomic import write_json
from longhand.data.stream import TrainStream
from longhand.errors import UserError
from longhand.evaluation.evaluate import Progress
from longhand.evaluation.report import Report
from longhand.evaluation.suites import DomainSuite
from longhand.evaluation.sweep import sweep
from longhand.plots.curves import draw_curves
from longhand.runs.checkpoint import TRAINING_STATE, find_checkpoint, load_checkpoint, save_checkpoint
from longhand.runtime import available_cores
from longhand.solvers.load import load
from longhand.text.formats import Style
from longhand.training.resume import Resume
from longhand.training.run_config import RunConfig
from longhand.training.setup import choose_vocabulary
from longhand.training.start import start_training

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What `demo` did: where it lies, the report of the sweep, and the seconds of each part."""

    output_dir: Path
    report: Report
    seconds: Mapping[str, float]

    @property
    def passed(self) -> bool:
        """Whether no problem of the domain was answered wrongly."""
        return self.report.errors == 0

    def to_dict(self) -> dict[str, Any]:
        """The content of `report.json`."""
        return {**self.report.to_dict(), "seconds_of_parts": dict(self.seconds)}


def demo(
    config: RunConfig,
    output_dir: Path,
    *,
    resume: Resume = None,
    overwrite: bool = False,
    say: Say = print,
    progress: Progress | None = None,
) -> DemoResult:
    """Generate a domain, train on a part of it, and ask the model every problem there is.

    Writes the run, `report.json`, `failures.jsonl` and the pictures into `output_dir`, and the exhaustive result into
    the checkpoint's own metrics. Raises `UserError` if the configuration does not train on a domain.
    """
    started = perf_counter()
    domain = _describe_data(config, say)
    seconds = {"generate": perf_counter() - started}

    started = perf_counter()
    trained = start_training(config, output_dir, resume=resume, overwrite=overwrite)
    seconds["train"] = perf_counter() - started  # with the start of the processes, which the run itself does not see

    started = perf_counter()
    report = sweep(
        partial(load, trained.model_dir, threads=1),
        DomainSuite(domain),
        processes=config.runtime.processes,
        failures=output_dir / "failures.jsonl",
        progress=progress,
    )
    seconds["sweep"] = perf_counter() - started

    result = DemoResult(output_dir, report, {part: round(value, 2) for part, value in seconds.items()})
    write_json(output_dir / "report.json", result.to_dict())
    record_sweep(trained.model_dir, report)
    draw_curves(output_dir / "metrics.jsonl", output_dir)
    return result


def record_sweep(model_dir: Path, report: Report, style: Style = "expression") -> None:
    """Write the result of an exhaustive evaluation into a checkpoint's metrics and its model card.

    `style` is how it was asked. Raises `UserError` for other evaluations, and for a state that a run goes on from.
    """
    if not report.exhaustive:
        raise UserError(f"only an exhaustive result is recorded with a model, not that of {report.suite}")
    model_dir = find_checkpoint(model_dir)
    if (model_dir / TRAINING_STATE).exists():
        raise UserError(f"{model_dir} is a state of a run; record with the model the run ends with")
    checkpoint = load_checkpoint(model_dir)
    found = report.to_dict()
    kept = ["total", "correct", "errors", "exact_match", "by_operator", "by_answer_length", "verdicts"]
    kept += ["cot_step_accuracy"] if "cot_step_accuracy" in found else []
    name = "exhaustive" if style == "expression" else f"exhaustive_{style}"
    metrics = {**checkpoint.metrics, name: {key: found[key] for key in kept}}
    save_checkpoint(model_dir, replace(checkpoint, metrics=metrics))


def use_all_cores(config: RunConfig, processes: int | None = None) -> RunConfig:
    """The configuration with one single-threaded process per core, eight at most, or with `processes` of them.

    At these sizes two processes with one thread each are faster than one process with two threads.
    """
    if processes is None:
        wanted = min(available_cores(), 8)
        processes = next(n for n in range(wanted, 0, -1) if config.training.batch_size % n == 0)
    runtime = config.runtime.model_copy(update={"processes": processes, "threads": 1})
    return config.model_copy(update={"runtime": runtime})


def _describe_data(config: RunConfig, say: Say) -> Domain:
    stream = TrainStream(
        config.data, config.to_format(), choose_vocabulary(config), batch_size=config.training.batch_size
    )
    found = stream.describe()
    if stream.domain is None or "problems_in_domain" not in found:
        raise UserError("the demo needs a domain it can list: set data.source: stream and a smaller data.domain")
    say(
        f"{found['problems_in_domain']:,} problems; {found['problems_trained_on']:,} of them"
        f" ({found['share_trained_on']:.2%}) are trained on\n"
        f"chosen by {found['chosen_by']['method']}"
    )
    return stream.domain
