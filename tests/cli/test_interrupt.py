"""Ctrl-C in a training: the state is saved, one line says how to go on, and that line is true."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


def is_gone(group: int) -> bool:
    """Whether nobody is left of a group of processes, or soon will be."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    ("processes", "signals"),
    [(1, [signal.SIGINT]), (2, [signal.SIGINT]), (2, [signal.SIGTERM, signal.SIGTERM])],
)
def test_an_interrupted_training_says_how_to_go_on_and_can(
    tmp_path: Path, processes: int, signals: list[signal.Signals]
) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "longhand", "train", "--config", "smoke", "--output-dir", str(out)]
    command += [
        "--training.log_interval",
        "1",
        "--training.max_steps",
        "100000",
        "--training.warmup_steps",
        "1",
        "--processes",
        str(processes),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    # Its own session: as on a terminal, the signal goes to the whole group of processes and to nobody else.
    run = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    metrics = out / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (metrics.exists() and metrics.read_text().count("\n") > 2):
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for number in signals:
        os.killpg(run.pid, number)
        time.sleep(0.02)
    _, error = run.communicate(timeout=120)
    assert run.returncode == 130, error
    (line,) = error.strip().splitlines()
    assert line.startswith("longhand: interrupted after step ")
    assert "--resume auto" in line
    stopped = json.loads(metrics.read_text().splitlines()[-1])["step"]
    assert line.startswith(f"longhand: interrupted after step {stopped:,};")
    assert is_gone(run.pid)
    again = [*command, "--resume", "auto", "--training.max_steps", str(stopped + 3), "--processes", "1"]
    done = subprocess.run(again, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"after step {stopped}" in done.stdout.replace(",", "")
    assert json.loads(metrics.read_text().splitlines()[-1])["step"] == stopped + 3
