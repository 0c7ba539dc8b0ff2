"""`longhand olympiad train`: a recursive head on a frozen model, or one of the baselines it is compared with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from longhand.cli.arguments import Parser
from longhand.cli.olympiad.flags import add_data_flags, add_flag, add_model_flags
from longhand.cli.olympiad.methods import (
    METHODS,
    Settings,
    check_unchanged,
    defaults_table,
    method_of,
    resolve,
    training_of,
)
from longhand.errors import UserError

_EPILOG = f"""\
Flags without a value in brackets have one for each method:
{defaults_table()}
A row is never longer than the model's context.
The text, the labels, the optimizer and the average of the weights are the same for all of them. trm takes
--N-supervision steps on every batch and the others one: compare runs by examples and by arithmetic.

examples:
  longhand olympiad train --model models/tiny-qwen2 --data data/words --N-supervision 4 --output-dir runs/trm
  longhand olympiad train --model models/tiny-qwen2 --data data/words --method lora --output-dir runs/lora
  longhand olympiad train --resume runs/trm
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "train", help="train a recursive head, or a baseline", epilog=_EPILOG,
        description="Train on word problems. With MathLLM's flags, in its spelling too (--num_samples).",
    )  # fmt: skip
    add_model_flags(parser, "the Qwen2 model to train on")
    add_data_flags(parser, "train")
    add_flag(parser, "--method", choices=METHODS, help="what is trained [trm]")
    add_flag(parser, "--output-dir", type=Path, metavar="DIR", help="where the run is written [checkpoints/METHOD]")
    for flag, kind, text in (
        ("--epochs", int, "times all rows are seen [3]"),
        ("--batch-size", int, "rows of a batch [4]"),
        ("--gradient-accumulation", int, "batches of an optimizer step"),
        ("--lr", float, "highest learning rate"),
        ("--warmup-steps", int, "steps of linear warm-up [0]"),
        ("--max-length", int, "longest row (tokens); longer ones are left out and counted"),
        ("--max-steps", int, "optimizer steps after which the training ends, if earlier"),
        ("--seed", int, "seed of weights and order [0]"),
        ("--save-interval", int, "steps between states to resume from [500]"),
        ("--n-layers", int, "trm: layers of the net; last-layers: how many; looped: blocks of the loop [1]"),
    ):
        add_flag(parser, flag, type=kind, metavar="X" if kind is float else "N", help=text)
    for flag, other, text in (
        ("--n-latent", None, "trm: refinements of z before one of y [6]"),
        ("--T-recursion", "--t-recursion", "trm: rounds per step, of which the last has gradients [3]"),
        ("--N-supervision", "--n-supervision", "trm: optimizer steps per batch, and steps per answer [16]"),
    ):
        dest = flag[2:].lower().replace("-", "_")
        add_flag(parser, flag, *([other] if other else []), type=int, metavar="N", dest=dest, help=text)
    add_flag(parser, "--residual", choices=["post", "pre", "none"], help="trm: see TrmConfig; none is MathLLM's [post]")
    boolean = argparse.BooleanOptionalAction
    add_flag(
        parser,
        "--freeze-lm-head",
        action=boolean,
        help="trm: leave the head as it is (MathLLM trains it) [yes]",
    )
    add_flag(parser, "--include-lm-head", action=boolean, help="last-layers: train a copy of the head too [no]")
    add_flag(parser, "--rank", "--lora-r", type=int, metavar="N", help="lora: rank [128]")
    add_flag(parser, "--alpha", "--lora-alpha", type=int, metavar="N", help="lora: weight is alpha / rank [256]")
    add_flag(parser, "--n-loops", type=int, metavar="N", help="looped: passes of the loop [8]")
    add_flag(parser, "--compile", action=boolean, help="compile with torch.compile [no]")
    add_flag(parser, "--amp", action=boolean, help="matrix products in bf16 [with CUDA yes, else no]")
    add_flag(
        parser, "--resume", nargs="?", const="auto", metavar="DIR", help="go on with the run in DIR, or --output-dir"
    )
    add_flag(parser, "--stop-at", type=int, metavar="N", help="save and pause after this step; go on with --resume")
    add_flag(parser, "--overwrite", action="store_true", help="replace a run that is already in the output directory")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train to the end, or to where somebody stops it."""
    from longhand.runtime import chosen_device

    device = chosen_device(arguments.device)
    directory, trainer = _resumed(arguments, device) if arguments.resume else _started(arguments, device)
    _train(trainer, directory, arguments.stop_at)
    return 0


def _started(arguments: argparse.Namespace, device: str) -> tuple[Path, Any]:
    from longhand.olympiad.data.part import PartOfSource, open_split
    from longhand.olympiad.run import start_run

    if arguments.model is None:
        raise UserError(
            "say which model: --model DIR, a Qwen2 directory on this disk (nothing is downloaded); a small one:"
            " longhand olympiad model --out models/tiny-qwen2"
        )
    settings: Settings = resolve(arguments, device)
    source = open_split(arguments.data, settings["dataset"], arguments.split, "train")
    directory: Path = arguments.output_dir or Path("checkpoints") / settings["method"]
    trainer, report = start_run(
        directory,
        arguments.model,
        PartOfSource(source, count=arguments.num_samples),
        method_of(settings),
        training_of(settings),
        batch_size=settings["batch_size"],
        max_length=arguments.max_length,
        default_length=settings["max_length"],
        settings=settings,
        device=device,
        overwrite=arguments.overwrite,
    )
    print(report)
    return directory, trainer


def _resumed(arguments: argparse.Namespace, device: str) -> tuple[Path, Any]:
    from longhand.olympiad.run import read_run, resume_run

    directory = arguments.output_dir if arguments.resume == "auto" else Path(arguments.resume)
    if directory is None:
        directory = Path("checkpoints") / (arguments.method or METHODS[0])
    check_unchanged(arguments, read_run(directory)["settings"], directory)
    trainer = resume_run(directory, arguments.model, device=device)
    print(f"going on with {directory} after step {trainer.step:,} of {trainer.total_steps:,}")
    return directory, trainer


def _train(trainer: Any, directory: Path, stop_at: int | None) -> None:
    from longhand.cli.olympiad.described import describe_trainer
    from longhand.olympiad.answering import CHECKPOINT
    from longhand.olympiad.run import MetricsFile
    from longhand.olympiad.training.trainer import StepReport
    from longhand.training.interrupt import TrainingInterrupted, stop_on_signal
    from longhand.training.progress import make_progress

    for line in describe_trainer(trainer):
        print(line)
    progress = make_progress(is_main=True)
    metrics = MetricsFile(directory, trainer.step)
    resume = f"go on with: longhand olympiad train --resume {directory}"
    with stop_on_signal(insist=True) as asked_to_stop:

        def on_step(report: StepReport) -> bool:
            metrics.add(report)
            progress.show(report.step, {"loss": report.loss})
            return bool(asked_to_stop)

        progress.start(trainer.step, trainer.total_steps)
        try:
            trainer.run(directory / CHECKPOINT, stop_at=stop_at, on_step=on_step)
        finally:
            progress.stop()
            metrics.close()
    if trainer.skipped_batches:
        print(f"{trainer.skipped_batches:,} batches had nothing to learn from and were left out")
    saved = f"saved {directory / CHECKPOINT} after step {trainer.step:,} of {trainer.total_steps:,}"
    if asked_to_stop:
        raise TrainingInterrupted(f"{saved}; {resume}")
    print(saved)
    if trainer.step < trainer.total_steps:
        print(resume)
