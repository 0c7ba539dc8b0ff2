from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longhand.errors import UserError
from longhand.runs.checkpoint import load_checkpoint
from longhand.runs.tracker import read_rows
from longhand.training.distributed import Group, choose_device
from longhand.training.loop import train
from longhand.training.run_config import RunConfig, dump_run_config
from longhand.training.run_directory import RunDirectory
from longhand.training.setup import set_up

SCRIPT = Path(__file__).with_name("parallel_runs.py")

# Rows of different lengths, so that processes count different numbers of tokens; accumulation and an average too.
PARALLEL: dict[str, dict[str, Any]] = {
    "format": {"operand_width": None, "answer_width": None},
    "training": {"accumulate_grad_batches": 2, "ema_decay": 0.9, "save_top_k": 0, "warmup_steps": 6},
}


def run_script(*arguments: object) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in ("RANK", "WORLD_SIZE")}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_same_trajectory(first: Path, second: Path) -> None:
    """The same numbers up to the order in which float32 sums are taken."""
    for row, other in zip(read_rows(first / "metrics.jsonl"), read_rows(second / "metrics.jsonl"), strict=True):
        assert row.keys() == other.keys()
        for key in row.keys() - {"seconds", "examples_per_second"}:
            assert row[key] == pytest.approx(other[key], rel=1e-4), key
    weights, others = load_checkpoint(first).weights, load_checkpoint(second).weights
    for name, array in weights.items():
        np.testing.assert_allclose(array, others[name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_two_processes_of_torchrun_follow_the_trajectory_of_one(tiny: Callable[..., RunConfig], tmp_path: Path) -> None:
    config = tiny(**PARALLEL)
    train(config, tmp_path / "one")
    (tmp_path / "run.yaml").write_text(dump_run_config(config))
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--local-addr", "localhost", "--nproc-per-node", 2)
    output = run_script(*torchrun, SCRIPT, "train", tmp_path / "run.yaml", tmp_path / "two")
    assert_same_trajectory(tmp_path / "one", tmp_path / "two")
    assert load_checkpoint(tmp_path / "two").training["processes"] == 2
    assert output.count("step 12/12") == 1  # only one of them speaks


def test_one_process_that_is_told_to_stop_stops_both_and_one_alone_can_go_on(
    tiny: Callable[..., RunConfig], tmp_path: Path
) -> None:
    config = tiny(**PARALLEL, runtime={"processes": 2})
    (tmp_path / "run.yaml").write_text(dump_run_config(config))
    output = run_script(SCRIPT, "launch", tmp_path / "run.yaml", tmp_path / "run", 4)
    assert "interrupted after step 5; the state is saved" in output
    assert RunDirectory(tmp_path / "run").saved_steps() == [5]
    train(tiny(**PARALLEL), tmp_path / "run", resume="auto")
    train(tiny(**PARALLEL), tmp_path / "one")
    assert_same_trajectory(tmp_path / "one", tmp_path / "run")


def test_a_mistake_in_a_process_reaches_the_user_as_one_line(tiny: Callable[..., RunConfig], tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(dump_run_config(tiny(training={"batch_size": 7}, runtime={"processes": 2})))
    output = run_script(SCRIPT, "launch", tmp_path / "run.yaml", tmp_path / "run", 4)
    assert output == "training.batch_size 7 cannot be shared evenly by 2 processes; use a multiple\n"
    assert not (tmp_path / "run").exists()


def test_a_batch_that_cannot_be_shared_is_refused(tiny: Callable[..., RunConfig]) -> None:
    with pytest.raises(UserError, match="batch_size 16 cannot be shared evenly by 3 processes"):
        set_up(tiny(), Group(0, 3, torch.device("cpu")))


def test_alone_sums_are_what_they_are() -> None:
    group = Group(0, 1, torch.device("cpu"))
    gradient, extras = torch.ones(2), torch.tensor([3.0])
    assert group.sum_numbers([1.5]) == [1.5]
    assert group.sum_gradients_([gradient], extras) is extras
    assert torch.equal(gradient, torch.ones(2))


def test_a_device_that_is_not_there_is_refused(tiny: Callable[..., RunConfig]) -> None:
    if not torch.cuda.is_available():
        assert choose_device(tiny(runtime={"device": "auto"}).runtime) == torch.device("cpu")
        with pytest.raises(UserError, match="device is cuda"):
            choose_device(tiny(runtime={"device": "cuda"}).runtime)
