"""Starting a run: in this process, or in several on this machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from longhand.errors import UserError
from longhand.runtime import is_worker, start_method
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
    import torch.distributed as dist

    if not dist.is_available():
        raise UserError("this build of torch cannot train with several processes; set runtime.processes: 1")
    return _launch(config.runtime.processes, (config, Path(output_dir), resume, overwrite, tuple(hooks)))


def _launch(processes: int, arguments: tuple[RunConfig, Path, Resume, bool, tuple[Hook, ...]]) -> TrainResult:
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    _silence("torch.distributed.elastic")  # it logs the end of a worker; the exceptions below say what there is to say
    launch = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        monitor_interval=0.1,
        start_method=start_method(),
    )
    with TemporaryDirectory(prefix="longhand-") as mistakes:
        try:
            results = elastic_launch(launch, _work)(Path(mistakes), *arguments)
        except SignalException as error:
            # The signal reached this process and the workers alike; by now they have saved what there was and gone.
            directory = RunDirectory(arguments[1])
            steps = directory.saved_steps()
            said = directory.how_to_go_on(steps[-1]) if steps else "interrupted before the first step; nothing is saved"
            raise TrainingInterrupted(said) from error
        except ChildFailedError:
            for written in Path(mistakes).iterdir():
                raise UserError(written.read_text(encoding="utf-8")) from None
            raise
    result = results[0]
    if isinstance(result, str):
        raise TrainingInterrupted(result)
    assert isinstance(result, TrainResult)
    return result


def _work(
    mistakes: Path, config: RunConfig, output_dir: Path, resume: Resume, overwrite: bool, hooks: Sequence[Hook]
) -> TrainResult | str:
    """What each process does.

    A user's mistake is left as a file in `mistakes`, because the launcher reports only one of the processes that fail,
    and perhaps one that failed since another had. An interruption that has been dealt with is no failure.
    """
    try:
        return train(config, output_dir, resume=resume, overwrite=overwrite, hooks=hooks)
    except TrainingInterrupted as interruption:
        return str(interruption)
    except UserError as error:
        (mistakes / str(os.getpid())).write_text(str(error), encoding="utf-8")
        raise


def _silence(package: str) -> None:
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(package):
            logging.getLogger(name).setLevel(logging.CRITICAL)
