"""Starting a run: in this process, or in several on this machine."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from longhand.atomic import write_text
from longhand.errors import UserError
from longhand.runtime import is_worker, start_method
from longhand.training.interrupt import TrainingInterrupted
from longhand.training.loop import Hook, TrainResult, train
from longhand.training.resume import Resume
from longhand.training.run_config import RunConfig
from longhand.training.run_directory import RunDirectory

_INTERRUPTED, _MISTAKE = ".interrupted", ".mistake"  # what the last words of a worker are about


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
    with TemporaryDirectory(prefix="longhand-") as folder:
        last_words = Path(folder)
        try:
            results = elastic_launch(launch, _work)(last_words, *arguments)
        except SignalException as error:
            # The signal reached this process and the workers alike.
            _wait_for_workers()
            said = [path.read_text(encoding="utf-8") for path in last_words.glob(f"*{_INTERRUPTED}")]
            message = said[0] if said else "interrupted before the first step; nothing is saved"
            raise TrainingInterrupted(message) from error
        except ChildFailedError:
            for path in last_words.glob(f"*{_MISTAKE}"):
                raise UserError(path.read_text(encoding="utf-8")) from None
            raise
    result = results[0]
    if isinstance(result, str):
        raise TrainingInterrupted(result)
    assert isinstance(result, TrainResult)
    return result


def _wait_for_workers() -> None:
    """Return when the workers have saved what there is to save, and are gone.

    The launcher waits for them as well, but a second signal, such as `timeout` sends, ends its waiting at once.
    """
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for worker in multiprocessing.active_children():
            worker.join()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _work(
    last_words: Path, config: RunConfig, output_dir: Path, resume: Resume, overwrite: bool, hooks: Sequence[Hook]
) -> TrainResult | str:
    """What each process does.

    What a worker has to say before it ends is left as a file in `last_words`: a user's mistake because the launcher
    reports only one of the processes that fail, and perhaps one that failed since another had; an interruption that
    has been dealt with because the launcher may no longer listen. The latter is no failure.
    """
    try:
        return train(config, output_dir, resume=resume, overwrite=overwrite, hooks=hooks)
    except TrainingInterrupted as interruption:
        write_text(last_words / f"{os.getpid()}{_INTERRUPTED}", str(interruption))
        signal.alarm(2)  # ends this process: the launcher reads what is returned at once, or, interrupted too, never
        return str(interruption)
    except UserError as error:
        write_text(last_words / f"{os.getpid()}{_MISTAKE}", str(error))
        raise


def _silence(package: str) -> None:
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(package):
            logging.getLogger(name).setLevel(logging.CRITICAL)
