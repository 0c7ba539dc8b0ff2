"""The verbs do what the documentation says, on a model of one-digit sums and differences."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from longhand.cli.main import main
from longhand.version import __version__

VERBS = ["demo", "data", "train", "info", "evaluate", "solve", "repl", "vocab", "plot", "data make", "data check"]


def output_of(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("verb", VERBS)
def test_help_fits_one_screen_and_every_option_says_what_it_is(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*verb.split(), "--help"])
    assert stop.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 120
    options = [index for index, line in enumerate(lines) if line.startswith("  -")]
    assert options
    for index in options:
        text = lines[index] if len(lines[index].split("  ")) > 2 else lines[index + 1]
        assert len(text.strip().split("  ")[-1]) > 3, text


@pytest.mark.row("S0-B20")
def test_version_and_module_and_command_are_the_same_program() -> None:
    for command in ([sys.executable, "-m", "longhand"], [str(Path(sys.executable).with_name("longhand"))]):
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout == f"longhand {__version__}\n"


def test_help_does_not_wait_for_torch() -> None:
    program = "import sys; from longhand.cli.main import build_parser; build_parser(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_solve_answers_and_judges(smoke_run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = output_of(capsys, "solve", smoke_run, "3+4=", "What is 9 - 2?", "--output-file", tmp_path / "s.json")
    assert out.splitlines()[:2] == ["3+4=7   correct", "What is 9 - 2? 7   correct"]
    written = json.loads((tmp_path / "s.json").read_text())
    assert [entry["answer"] for entry in written] == ["7", "7"]
    assert all(entry["verdict"] == "correct" and entry["in_domain"] for entry in written)


def test_solve_reads_standard_input_and_writes_json_lines(
    smoke_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("1+1=\n\n950+7=\n"))
    first, second = map(json.loads, output_of(capsys, "solve", smoke_run, "--json").splitlines())
    assert (first["prompt"], first["answer"], first["in_domain"]) == ("1+1=", "2", True)
    assert (second["expected"], second["in_domain"]) == ("957", False)


@pytest.mark.row("S0-E2")
def test_evaluate_counts_the_whole_domain_and_lists_what_is_wrong(
    smoke_run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = [
        "--output-file",
        tmp_path / "r.json",
        "--failures",
        tmp_path / "f.jsonl",
        "--samples",
        tmp_path / "s.jsonl",
    ]
    out = output_of(capsys, "evaluate", smoke_run, *words)
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["total"] == 155
    assert report["correct"] + report["errors"] == 155
    assert len((tmp_path / "f.jsonl").read_text().splitlines()) == report["errors"]
    samples = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert len(samples) == 155
    assert sum(sample["verdict"] == "correct" for sample in samples) == report["correct"]
    assert f"errors: {report['errors']}" in out


def test_evaluate_takes_a_data_file(smoke_run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output_of(capsys, "data", "make", "--profile", "mini", "--out", tmp_path / "d", "--n-samples", 80, "--max", 9)
    suite = tmp_path / "d" / "test.jsonl"
    output_of(capsys, "evaluate", smoke_run, "--suite", suite, "--output-file", tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text())["total"] == len(suite.read_text().splitlines())


@pytest.mark.row("S2-E1")
def test_evaluate_prints_its_report_in_a_box(smoke_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = output_of(capsys, "evaluate", smoke_run, "--suite", "carries", "--report", "boxed")
    assert "exact_match_accuracy" in out
    assert out.rstrip().endswith("╝")


def test_evaluation_does_not_depend_on_the_number_of_processes(
    smoke_run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    reports = []
    for processes in (1, 2):
        path = tmp_path / f"{processes}.json"
        output_of(capsys, "evaluate", smoke_run, "--processes", processes, "--output-file", path)
        report = json.loads(path.read_text())
        reports.append({key: value for key, value in report.items() if "second" not in key})
    assert reports[0] == reports[1]


@pytest.mark.row("S4-M2", "S4-M3", "S4-M4")
@pytest.mark.parametrize(("name", "parameters"), [("gpt2", 796_160), ("llama2", 855_424), ("mixtral", 58_336)])
def test_info_prints_the_published_parameter_counts(
    name: str, parameters: int, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = output_of(capsys, "info", name, "--output-file", tmp_path / "i.json")
    assert f"{parameters:,} parameters" in out
    facts = json.loads((tmp_path / "i.json").read_text())
    assert facts["parameters"] == sum(weight["parameters"] for weight in facts["weights"]) == parameters


@pytest.mark.bug("S0-4a")
@pytest.mark.row("S0-M1", "S0-M2")
@pytest.mark.parametrize(
    ("name", "parameters", "sizes"),
    [("small", 2_117_120, (4, 256, 4, 512)), ("medium", 12_634_112, (6, 512, 8, 1024)),
     ("large", 25_236_480, (8, 512, 8, 2048))],
)  # fmt: skip
def test_info_prints_the_true_counts_of_the_sizes_that_think(
    name: str, parameters: int, sizes: tuple[int, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = output_of(capsys, "info", f"think-{name}", "--output-file", tmp_path / "i.json")
    assert f"{parameters:,} parameters" in out
    assert f"sequential depth {sizes[0]} blocks" in out
    for part in ("norm_place: post", "mlp: relu", "pos_encoding: sinusoidal", "scale_embeddings", "context 128 tokens"):
        assert part in out
    assert "tie_weights" not in out
    assert "head_bias" not in out
    model = json.loads((tmp_path / "i.json").read_text())["model"]
    assert tuple(model[key] for key in ("n_layers", "d_model", "n_heads", "d_ff")) == sizes
    assert (model["dropout"], model["init"], model["init_std"], model["embedding_std"]) == (0.1, "normal", 0.02, 0.02)


@pytest.mark.row("S0-B6", "S0-B7")
def test_info_says_which_parts_a_model_has_and_how_deep_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "looped.yaml").write_text("model: {name: think, n_layers: 2, n_loops: 3, pos_encoding: pope}")
    out = output_of(capsys, "info", tmp_path / "looped.yaml", "--output-file", tmp_path / "i.json")
    assert "sequential depth 6 blocks, 3 times the same 2" in out
    assert "block: attention" in out
    assert "pos_encoding: pope" in out
    assert "loop_embeddings" in out
    assert json.loads((tmp_path / "i.json").read_text())["sequential_depth"] == 6
    (tmp_path / "ssm.yaml").write_text("model: {name: mamba}")
    assert "pos_encoding" not in output_of(capsys, "info", tmp_path / "ssm.yaml")


def test_info_on_a_model_says_what_it_was_trained_on(smoke_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = output_of(capsys, "info", smoke_run)
    assert "data.problems_trained_on" in out
    assert "155" in out


@pytest.mark.row("S0-V1")
def test_vocab_lists_tokens_and_spells_texts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = "658+189=<think>8+9=17 5+8+1=14 6+1+1=8</think>847<end>"
    out = output_of(capsys, "vocab", "cot16", text, "--output-file", tmp_path / "v.json")
    (spelled,) = json.loads((tmp_path / "v.json").read_text())
    assert spelled["decoded"] == text
    assert max(spelled["ids"]) == 15
    assert text in out
    listed = output_of(capsys, "vocab", "cot16")
    assert "16 tokens" in listed
    assert "cot16" in output_of(capsys, "vocab", "list")


def test_train_prints_its_keys_and_its_resolved_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    keys = output_of(capsys, "train", "--keys").splitlines()
    assert any(line.startswith("model.d_model ") and "128" in line for line in keys)
    printed = output_of(capsys, "train", "--config", "demo", "--model.d_model", "32", "--print-config")
    assert "d_model: 32" in printed


def test_plot_draws_the_curves_of_a_run(smoke_run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output_of(capsys, "plot", smoke_run, "--out", tmp_path, "--format", "svg")
    assert {path.name for path in tmp_path.iterdir()} == {"loss.svg", "accuracy.svg"}


@pytest.mark.bug("S4-3")
def test_train_from_files_then_evaluate_what_was_held_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output_of(capsys, "data", "make", "--profile", "mini", "--out", tmp_path / "d", "--n-samples", 90, "--max", 9)
    steps = ["--training.max_steps", 4, "--training.warmup_steps", 1, "--training.val_check_interval", 2]
    sizes = ["--model.d_model", 16, "--model.n_layers", 1, "--model.d_ff", 16]
    words = ["--data.path", tmp_path / "d", "--output-dir", tmp_path / "run"]
    output_of(capsys, "train", "--config", "llama2", *words, *steps, *sizes)
    output_of(capsys, "evaluate", tmp_path / "run", "--suite", "test", "--output-file", tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text())["total"] == 9
