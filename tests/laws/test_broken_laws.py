"""Laws that one of the five systems broke, each named as a law; docs/systems.md lists them with what went wrong."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longhand.arithmetic.domain import Domain
from longhand.cli.main import main
from longhand.data.check import check
from longhand.data.config import DataConfig
from longhand.data.leaks import LeakCounter, held_out_first
from longhand.data.make import make_dataset
from longhand.data.profiles.registry import PROFILES
from longhand.data.stream import TrainStream
from longhand.errors import UserError
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.suites import DomainSuite
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.oracle import Oracle
from longhand.text.formats import Format
from longhand.text.presets import vocabulary
from longhand.text.worked_steps import StepReport, check_steps
from longhand.training.run_config import RunConfig, load_run_config

SUMS: Any = {"operators": ["+"], "max_operand": 999}
SOURCE = Path(__file__).parents[2] / "src" / "longhand"


@pytest.mark.bug("S0-1")
@pytest.mark.parametrize("steps", ["columns", "running_sum"])
def test_an_answer_that_is_right_after_its_steps_is_an_exact_match(steps: Any) -> None:
    domain = Domain(("+",), max_operand=40)
    report = evaluate(Oracle(domain, Format(steps=steps, begin=True)), DomainSuite(domain))
    assert report.correct == report.total == 41 * 41


@pytest.mark.bug("S0-1")
def test_a_model_that_is_asked_without_further_words_does_not_draw_lots() -> None:
    assert inspect.signature(AutoregressiveSolver.solve).parameters["temperature"].default == 0.0


@pytest.mark.row("S0-B3")
@pytest.mark.bug("S0-2", "S1-2", "S2-1", "S4-8")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("think", {"num_examples": 6000, "max_digits": 2}),
        ("think", {"num_examples": 5000, "max_digits": 1, "max_operands": 2}),
        ("mathqa", {"n": 10_000}),
        ("exhaustive", {"max": 30}),
    ],
)
def test_no_test_item_has_a_commuted_twin_in_training(name: str, options: dict[str, Any]) -> None:
    profile = PROFILES[name]
    splits = {split: list(rows) for split, rows in profile.generate(profile.options(**options)).splits.items()}
    counter = LeakCounter()
    for split in held_out_first(list(splits)):
        for record in splits[split]:
            assert record.problem is not None
            counter.add(split, record.problem)
    for split, leaks in counter.report().items():
        assert leaks == {"rows": len(splits[split]), "exact": 0, "commuted": 0, "inverse": 0}
        assert leaks["rows"] > 0


@pytest.mark.row("S0-F3")
@pytest.mark.bug("S0-3b")
def test_the_documented_transcript_is_found_wrong_and_ours_right(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("99+21=<think>9+1=10 9+2+1=11 0+1=1 1+0=1</think>110<end>\n")
    assert check(tmp_path)["wrong_rows"] == [
        "train.txt, line 1: 99+21=<think>9+1=10 9+2+1=11 0+1=1 1+0=1</think>110<end> "
        "(the answer is 120 and the worked steps are wrong)"
    ]
    (tmp_path / "train.txt").write_text("99+21=<think>9+1=10 9+2+1=12</think>120<end>\n")
    assert check(tmp_path)["ok"]


@pytest.mark.bug("S0-4b", "S4-7")
@pytest.mark.parametrize("source", ["stream", "files"])
def test_a_row_that_does_not_fit_is_refused_and_never_cut(source: str, tmp_path: Path) -> None:
    for split in ("train", "val"):
        (tmp_path / f"{split}.txt").write_text("658+189=<think>8+9=17 5+8+1=14 6+1+1=8</think>847<end>\n")
    config = DataConfig(source="files", path=str(tmp_path)) if source == "files" else DataConfig(domain=SUMS)
    stream = TrainStream(config, Format(steps="columns"), vocabulary("unified"), batch_size=4)
    batch = stream.batch(0)
    for targets, weights in zip(batch.targets, batch.weights, strict=True):
        assert stream.vocabulary.decode(targets[weights == 1].tolist()).endswith("<eos>")
    n_read = stream.longest - 1
    stream.check_context(n_read)
    with pytest.raises(UserError, match=f"needs model.max_seq_len {n_read}"):
        stream.check_context(n_read - 1)


@pytest.mark.bug("S0-5a")
def test_padding_counts_as_steps_and_stands_inside_their_tags() -> None:
    format = Format(steps="columns", steps_width=20)
    rendered = format.render(format.read_prompt("99+21="))
    assert rendered.target == f"<think>9+1=10 9+2+1=12{'<noop>' * 5}</think>120"
    assert check_steps("columns", format.read_prompt("99+21="), f"9+1=10 9+2+1=12{'<noop>' * 5}") == StepReport(
        2, 2, None
    )


@pytest.mark.row("S1-D1")
@pytest.mark.bug("S1-1")
def test_the_first_digit_of_an_answer_is_asked_for_when_the_whole_question_was_read(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("97-53=44\n")
    (tmp_path / "val.txt").write_text("9-4=5\n")
    chars = vocabulary("chars")
    batch = TrainStream(DataConfig(source="files", path=str(tmp_path)), Format(), chars, batch_size=1).batch(0)
    (counted,) = np.flatnonzero(batch.weights[0])[None]
    seen = [chars.decode(batch.input_ids[0][: place + 1].tolist()) for place in counted]
    wanted = [chars.decode([int(batch.targets[0][place])]) for place in counted]
    assert list(zip(seen, wanted, strict=True)) == [("97-53=", "4"), ("97-53=4", "4"), ("97-53=44", "<END>")]


@pytest.mark.row("S1-B4")
@pytest.mark.bug("S1-6")
def test_nothing_in_a_file_is_ever_run(tmp_path: Path) -> None:
    def words(call: ast.Call) -> str:
        return ast.unparse(call.func)

    for path in sorted(SOURCE.rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        for call in calls:
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert words(call) not in ("pickle.load", "pickle.loads", "pickle.Unpickler", "eval", "exec"), path
            if words(call) == "torch.load":
                assert given.get("weights_only") == "True", path
            if words(call) in ("np.load", "numpy.load"):
                assert given.get("allow_pickle", "False") == "False", path
    (tmp_path / "run.yaml").write_text(f"training: !!python/object/apply:os.mkdir [{tmp_path / 'made'}]")
    with pytest.raises(UserError, match="could not determine a constructor"):
        load_run_config(tmp_path / "run.yaml")
    assert not (tmp_path / "made").exists()


@pytest.mark.bug("S2-2b")
@pytest.mark.parametrize("prompt", ["９５１+11=", "٩٥١+11=", "951+１１=", "²+1="])
def test_digits_of_other_scripts_never_reach_a_model(prompt: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="where a number is expected"):
        Oracle(Domain()).solve([prompt])
    assert main(["solve", "add-sub-3", prompt]) == 2
    error = capsys.readouterr().err
    assert error.startswith("longhand: ")
    assert error.count("\n") == 1


@pytest.mark.bug("S2-3a")
def test_unless_asked_for_operands_do_not_count_and_the_model_that_answers_best_is_kept() -> None:
    config = RunConfig()
    assert config.data.loss in ("answer", "completion")
    assert config.training.save_metric == "val_exact_match"


@pytest.mark.bug("S4-8")
def test_training_on_published_files_says_how_many_test_rows_they_give_away(tmp_path: Path) -> None:
    leaks = make_dataset("mini", tmp_path, {"n_samples": 10_000, "max": 99})["leaks"]["test"]
    config = DataConfig(source="files", path=str(tmp_path), inverse=False)
    stream = TrainStream(config, Format(), vocabulary("mini18"), batch_size=8)
    assert stream.describe()["held_out_rows_seen_in_training"]["test"] == leaks["exact"] + leaks["commuted"] == 810
