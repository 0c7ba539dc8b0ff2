"""Training with two processes, run by `test_distributed.py`.

`torchrun … parallel_runs.py train CONFIG.yaml OUTPUT_DIR` trains in the processes torchrun has started;
`parallel_runs.py launch CONFIG.yaml OUTPUT_DIR STEP` starts two itself, one of which is told to stop after STEP steps.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longhand.errors import UserError
from longhand.training.interrupt import TrainingInterrupted
from longhand.training.run_config import load_run_config
from longhand.training.start import start_training


class TerminateAt:
    """Sends SIGTERM to the process it is called in, which is only one of the two."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, step: int, row: Mapping[str, Any]) -> None:
        if step == self.step:
            os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    verb, config, output_dir = sys.argv[1], load_run_config(Path(sys.argv[2])), Path(sys.argv[3])
    if verb == "train":
        start_training(config, output_dir)
        return
    try:
        start_training(config, output_dir, hooks=[TerminateAt(int(sys.argv[4]))])
    except (TrainingInterrupted, UserError) as reason:
        print(reason)


if __name__ == "__main__":
    main()
