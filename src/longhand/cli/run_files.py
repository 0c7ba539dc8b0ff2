"""What `longhand train` adds to a run directory when the training is over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from longhand.atomic import write_json
from longhand.cli.sweep_progress import sweep_progress
from longhand.errors import UserError

if TYPE_CHECKING:
    from longhand.training.run_config import RunConfig


def write_run_files(config: RunConfig, output_dir: Path, *, pytorch_model: bool = False) -> None:
    """Write `training_config.json`, `test_results.json` and, if asked for, `pytorch_model.bin` beside the weights.

    The test is of the run's model on the test file of its data; where there is none, there are no results.
    """
    from longhand.runs.checkpoint import find_checkpoint, load_checkpoint, read_config
    from longhand.runs.weights_file import TORCH, write_torch_weights
    from longhand.training.run_directory import RunDirectory

    directory = RunDirectory(output_dir)
    model_dir = find_checkpoint(output_dir)
    described = read_config(model_dir)
    facts = {
        "model_parameters": described["num_parameters"],
        "vocab_size": described["vocab_size"],
        "max_length": config.model.max_seq_len,
        "config": config.to_dict(),
    }
    write_json(directory.training_config, facts)
    if pytorch_model:
        write_torch_weights(model_dir / TORCH, load_checkpoint(model_dir).weights)
        print(f"wrote {model_dir / TORCH}")
    if config.data.path is not None and _has_test_file(config.data.path):
        results = _test(output_dir)
        write_json(directory.test_results, results)
        match, n = results["exact_match_accuracy"], results["num_examples"]
        print(f"test: {match:.2%} of {n:,} problems right; wrote {directory.test_results}")


def _has_test_file(path: str) -> bool:
    from longhand.data.folders import open_folder

    try:
        return "test" in open_folder(path).files
    except UserError:  # moved since
        return False


def _test(output_dir: Path) -> dict[str, Any]:
    from longhand.evaluation.evaluate import evaluate
    from longhand.evaluation.published_names import published_names
    from longhand.evaluation.suites import open_suite
    from longhand.runs.checkpoint import load_checkpoint
    from longhand.solvers.load import load

    solver = load(output_dir)
    training = load_checkpoint(output_dir).training
    suite = open_suite("test", domain=solver.domain, format=solver.format, training=training)
    with sweep_progress("testing") as progress:
        report = evaluate(solver, suite, progress=progress)
    return {**published_names(report), **report.to_dict()}
