"""Where torch is not installed, NumPy trains, answers and is evaluated, by the same commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from longhand.data.make import make_dataset
from longhand.shipped import config_path

_NO_TORCH = '''
import sys

class NoTorch:
    """Finds that torch is not installed, whoever asks."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoTorch())
'''

TINY = ["--model.d_model", "16", "--model.d_ff", "32", "--training.batch_size", "16", "--training.max_steps", "4"]
TINY += ["--training.warmup_steps", "1", "--training.eval_samples", "20"]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data, and an interpreter start-up that hides torch from every process."""
    home = tmp_path_factory.mktemp("machine")
    (home / "sitecustomize.py").write_text(_NO_TORCH)
    make_dataset("mathqa", home / "data" / "mathqa", {"n": 300})
    return home


def longhand(machine: Path, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(machine), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", "longhand", *words],
        cwd=machine,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == expect, done.stderr
    return done


@pytest.mark.row("S1-R1", "S1-I1")
def test_train_solve_and_evaluate_need_numpy_alone(machine: Path) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import torch"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(machine), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No module named 'torch'" in gone.stderr

    trained = longhand(machine, "train", "--config", str(config_path("numpy")), "--output-dir", "runs/numpy", *TINY)
    assert "engine numpy" in trained.stdout
    assert "held-out exact match" in trained.stdout
    asked = longhand(machine, "solve", "runs/numpy", "86 - 11 =", "What is 65 - 62?", "--json")
    assert [json.loads(line)["prompt"] for line in asked.stdout.splitlines()] == ["86 - 11 =", "What is 65 - 62?"]
    longhand(machine, "evaluate", "runs/numpy", "--suite", "data/mathqa/test.txt", "--output-file", "report.json")
    rows = (machine / "data" / "mathqa" / "test.txt").read_text().splitlines()
    assert json.loads((machine / "report.json").read_text())["total"] == len(rows)
    resumed = longhand(
        machine, "train", "--config", "runs/numpy/config.yaml", "--output-dir", "runs/numpy", "--resume", "auto"
    )
    assert "resuming from" in resumed.stdout


def test_auto_takes_numpy_and_what_needs_torch_says_so_in_one_line(machine: Path) -> None:
    words = ["--config", str(config_path("numpy")), "--runtime.engine", "auto", "--output-dir", "runs/auto"]
    assert "engine numpy" in longhand(machine, "train", *words, *TINY).stdout
    refused = longhand(machine, "info", str(config_path("numpy")), expect=2)
    assert refused.stderr == "longhand: this needs PyTorch, which is not installed: pip install torch\n"
