"""Starting a run: in this process, or in several on this machine."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch.distributed as dist

from longhand.errors import UserError
from longhand.training.distributed import is_worker
from longhand.training.interrupt import TrainingInterrupted
from longhand.training.loop import Hook, TrainResult, train
from longhand.training.resume import Resume
from longhand.training.run_config import RunConfig
from longhand.training.run_directory import RunDirectory


def start_training(
    config: RunConfig,
    output_dir: Path,
    *,
    resume: Resume = None,
    overwrite: bool = False,
    hooks: Sequence[Hook] = (),
) -> TrainResult:
    """Train with `runtime.processes` processes; with one, or inside of torchrun, this is `train`.

    Several processes are started afresh, as torchrun does it: hooks have to be importable, and a script that calls
    it needs `if __name__ == "__main__"`. Raises what `train` raises.
    """
    if config.runtime.processes == 1 or is_worker():
        return train(config, output_dir, resume=resume, overwrite=overwrite, hooks=hooks)
    if resume is None and not overwrite:
        RunDirectory(Path(output_dir)).refuse_if_used()
    if not dist.is_available():
        raise UserError("this build of torch cannot train with several processes; set runtime.processes: 1")
    return _launch(config.runtime.processes, (config, Path(output_dir), resume, overwrite, tuple(hooks)))


def _launch(processes: int, arguments: tuple[RunConfig, Path, Resume, bool, tuple[Hook, ...]]) -> TrainResult:
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # It logs every stop of a worker as a warning or an error; the exceptions below say what there is to say.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    launch = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        monitor_interval=0.2,
    )
    try:
        results = elastic_launch(launch, _work)(*arguments)
    except SignalException as error:
        raise TrainingInterrupted("interrupted") from error
    except ChildFailedError as error:
        _, failure = error.get_first_failure()
        raise _translated(str(failure.message)) from error
    result = results[0]
    if isinstance(result, str):
        raise TrainingInterrupted(result)
    assert isinstance(result, TrainResult)
    return result


def _work(
    config: RunConfig, output_dir: Path, resume: Resume, overwrite: bool, hooks: Sequence[Hook]
) -> TrainResult | str:
    """What each process does; an interruption that has been dealt with is no failure of the process."""
    try:
        return train(config, output_dir, resume=resume, overwrite=overwrite, hooks=hooks)
    except TrainingInterrupted as interruption:
        return str(interruption)


def _translated(message: str) -> Exception:
    """The exception a worker died of; of those that are the user's to put right only the line is left."""
    first = message.strip().splitlines()[0] if message.strip() else "a training process died without a word"
    name, _, text = first.partition(": ")
    if name == UserError.__name__:
        return UserError(text)
    print(message, file=sys.stderr)
    return RuntimeError(first)
