"""The demo: one command from nothing to a checked model, honest when the model is not right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import longhand
from longhand.cli.main import main
from longhand.recipes.demo import use_all_cores
from longhand.runtime import available_cores
from longhand.shipped import config_path
from longhand.training.run_config import load_run_config


def test_a_demo_that_is_right_everywhere_ends_with_0_and_leaves_everything_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo"
    code = main(["demo", "--config", "smoke", "--output-dir", str(out), "--processes", "1"])
    printed = capsys.readouterr().out
    report = json.loads((out / "report.json").read_text())
    assert report["errors"] == 0, "the smoke configuration no longer learns its 155 problems"
    assert code == 0
    assert (report["total"], report["exhaustive"]) == (155, True)
    assert {path.name for path in out.iterdir()} == {
        "accuracy.png", "checkpoints", "config.yaml", "failures.jsonl", "logs", "loss.png", "metrics.csv",
        "metrics.jsonl", "model", "report.json", "results.json",
    }  # fmt: skip
    assert (out / "failures.jsonl").read_text() == ""
    assert "all 155 answers are right. Now try:" in printed
    assert len([line for line in printed.splitlines() if line.startswith("  longhand ")]) == 3
    assert json.loads((out / "model" / "metrics.json").read_text())["exhaustive"]["errors"] == 0
    assert longhand.load(out).solve(["3+4="])[0].answer == "7"


def test_a_demo_that_is_wrong_somewhere_ends_with_1_and_lists_every_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "short.yaml"
    text = config_path("smoke").read_text().replace("max_steps: 400", "max_steps: 4")
    config.write_text(text.replace("warmup_steps: 20", "warmup_steps: 1"))
    out = tmp_path / "demo"
    assert main(["demo", "--config", str(config), "--output-dir", str(out), "--processes", "1"]) == 1
    printed = capsys.readouterr().out
    errors = json.loads((out / "report.json").read_text())["errors"]
    failures = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()]
    assert errors == len(failures) > 100
    assert all(failure["verdict"] != "correct" for failure in failures)
    assert f"{errors} answers are wrong; {out / 'failures.jsonl'} lists them" in printed


def test_the_demo_refuses_data_that_has_no_domain_to_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["data", "make", "--profile", "mini", "--out", str(tmp_path / "data"), "--n-samples", "40"])
    config = tmp_path / "files.yaml"
    config.write_text(
        f"vocabulary: mini18\nformat: {{begin: true}}\ndata: {{source: files, path: {tmp_path / 'data'}}}\n"
    )
    capsys.readouterr()
    assert main(["demo", "--config", str(config), "--output-dir", str(tmp_path / "out")]) == 2
    assert "needs a domain" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_processes_share_the_cores_and_divide_the_batch() -> None:
    config = load_run_config(config_path("demo"))
    used = use_all_cores(config).runtime
    assert used.threads == 1
    assert 1 <= used.processes <= min(8, available_cores())
    assert config.training.batch_size % used.processes == 0
    assert use_all_cores(config, 4).runtime.processes == 4


def test_the_demo_trains_on_at_most_a_fifth_of_its_domain() -> None:
    from longhand.data.stream import TrainStream
    from longhand.training.setup import choose_vocabulary

    config = load_run_config(config_path("demo"))
    stream = TrainStream(config.data, config.to_format(), choose_vocabulary(config), batch_size=8)
    found = stream.describe()
    assert found["problems_in_domain"] == 1_500_500
    assert found["problems_trained_on"] <= 0.2 * found["problems_in_domain"]
    assert config.data.inverse
