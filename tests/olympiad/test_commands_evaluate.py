"""`longhand olympiad evaluate`: every problem counts, and nothing stands alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.olympiad.commands import Run, files_of, fine, refused

from longhand.cli.main import build_parser, main
from longhand.evaluation.intervals import wilson_interval
from longhand.models.trm_count import count_trm
from longhand.models.trm_model import TrmModel
from longhand.olympiad.answering import load_answering
from longhand.olympiad.evaluate import flops_per_token, samples_at_equal_cost


@pytest.fixture(scope="module")
def trm(word_model: Path, words: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "trm"
    flags = "--epochs 1 --n-latent 1 --T-recursion 2 --N-supervision 2"
    start = ["olympiad", "train", "--model", str(word_model), "--data", str(words), "--output-dir", str(out)]
    assert main([*start, *flags.split()]) == 0
    return out


def report(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.row("S3-E1", "S3-E2", "S3-B2")
def test_a_recursive_head_never_stands_alone(
    run: Run, trm: Path, words: Path, word_model: Path, tmp_path: Path
) -> None:
    """Issue 13: the backbone alone, and its majority at equal cost, beside it, with n and intervals."""
    out = tmp_path / "report.json"
    text = fine(
        run(
            "evaluate", "--checkpoint", trm, "--data", words, "--max-new-tokens", 6, "--temperature", 0, "--output", out
        )
    )
    found = report(out)
    names = [(row["name"], row["samples"], row["temperature"]) for row in found["rows"]]
    answering, plain = load_answering(word_model, trm), load_answering(word_model)
    head, row = answering.head, found["rows"][0]
    assert head is not None
    length = next(n for n in range(1, 1000) if flops_per_token(answering, n) == row["flops_per_token"])
    recursion = count_trm(head.config, plain.backbone.vocab_size, length).forward_flops
    assert row["flops_per_token"] == plain.backbone.flops_per_token(length) + recursion
    equal = samples_at_equal_cost(row["flops_per_token"], found["rows"][1]["flops_per_token"], 1)
    assert equal > 1
    assert names == [("trm", 1, 0.0), ("backbone alone", 1, 0.0), ("backbone", equal, 0.7)]
    for each in found["rows"]:
        assert each["total"] == 3
        assert each["right"] + each["wrong"] + each["missing"] == 3
        assert each["interval_95"] == list(wilson_interval(each["right"], 3))
        assert each["truncated"] == each["replies"] == 3 * each["samples"], "six tokens are no answer"
    assert {"trm", "backbone alone", f"backbone, {equal} votes"} <= {line.split("  ")[0] for line in text.splitlines()}
    assert (found["total"], found["correct"], found["dataset"]) == (3, found["rows"][0]["right"], "gsm8k")
    assert len(found["answers"]) == 3


@pytest.mark.row("S3-E1")
def test_right_and_wrong_are_counted_printed_and_scored(run: Run, parrot: Path, tmp_path: Path) -> None:
    model, folder = parrot / "run", parrot
    out = tmp_path / "report.json"
    start = ["evaluate", "--checkpoint", model, "--data", folder, "--max-new-tokens", 20, "--output", out]
    text = fine(run(*start, "--wrong-only", "--runs", 2))
    first = report(out)["rows"][0]
    assert (first["name"], first["right"], first["total"], first["truncated"]) == ("whole", 1, 2, 0)
    assert "[2] WRONG" in text
    assert "[1]" not in text, "--wrong-only acts by itself"
    assert "whole: 1 of 2 points in two runs, which are the same" in text
    assert [one["verdict"] for one in report(out)["answers"]] == ["right", "wrong"] * 2
    text = fine(run(*start, "-v", "--num-samples", 1))
    assert "[1] RIGHT  gsm8k/test/1  truth 7  found by boxed" in text
    assert "How much is it?" in text
    text = fine(run(*start, "--offset", 1, "--votes", 3, "--runs", 2, "--temperature", 0.1))
    row = report(out)["rows"][0]
    assert (row["samples"], row["total"], row["right"], row["two_run_score"]) == (3, 1, 0, 0.0)


@pytest.mark.row("S3-E1")
def test_truths_that_are_no_numbers_stay_in_the_denominator(run: Run, parrot: Path, tmp_path: Path) -> None:
    model, folder = parrot / "run", parrot
    out = tmp_path / "report.json"
    text = fine(
        run("evaluate", "--checkpoint", model, "--data", folder / "odd.jsonl", "--dataset", "numina", "--output", out)
    )
    row = report(out)["rows"][0]
    assert (row["total"], row["truths_no_number"], row["wrong"]) == (1, 1, 1)
    assert "1 of the true answers are no numbers" in text


@pytest.mark.row("S3-E2", "S3-B2")
def test_a_model_alone_is_measured_too(run: Run, word_model: Path, words: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    fine(run("evaluate", "--model", word_model, "--data", words, "--max_new_tokens", 4, "--output", out))
    assert [row["name"] for row in report(out)["rows"]] == ["backbone alone"]
    refused(run("evaluate", "--model", word_model, "--data", words, "--supervision-steps", 0), "supervision-steps")


def test_the_steps_of_the_training_are_those_of_the_answer(trm: Path, word_model: Path) -> None:
    """Issue 21: the checkpoint knows; another number has to be asked for."""
    for given, wanted in ((None, 2), (5, 5)):
        model = load_answering(word_model, trm, n_supervision=given).model
        assert isinstance(model, TrmModel)
        assert model.n_supervision == wanted


def test_the_training_is_never_measured_on_by_mistake(
    run: Run, trm: Path, words: Path, word_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "only").mkdir()
    (tmp_path / "only/train.jsonl").write_bytes((words / "train.jsonl").read_bytes())
    unnamed = tmp_path / "problems.jsonl"
    unnamed.write_bytes((words / "train.jsonl").read_bytes())
    out = tmp_path / "report.json"
    start = ["evaluate", "--checkpoint", trm, "--max-new-tokens", 2, "--output", out]
    for data in (tmp_path / "only", words / "train.jsonl"):
        for split in ([], ["--split", "test"]):
            refused(run(*start, "--data", data, *split), "no split test", "it has train")
    refused(run(*start, "--data", unnamed), "problems.jsonl is what this was trained on", "--split train")
    assert not out.exists()
    fine(run(*start, "--data", words, "--split", "train", "--num-samples", 1))
    fine(run("evaluate", "--model", word_model, "--data", unnamed, "--max-new-tokens", 2, "--output", out))


def test_what_cannot_be_measured_is_one_line_and_writes_nothing(
    run: Run, trm: Path, words: Path, word_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report.json"
    before = files_of(trm)

    def bad(*words_: object, fragments: list[str], checkpoint: object = trm, data: object = words) -> None:
        chosen = ["--checkpoint", checkpoint] if checkpoint is not None else []
        refused(run("evaluate", *chosen, "--data", data, "--output", out, *words_), *fragments)
        assert not out.exists()

    bad(checkpoint=None, fragments=["--checkpoint DIR", "--model DIR"])
    bad(checkpoint=tmp_path, fragments=["no checkpoint", "trm.json"])
    bad(checkpoint=tmp_path / "missing", fragments=["no such directory"])
    bad("--model", tmp_path / "missing", fragments=["not downloaded"])
    bad("--offset", 99, fragments=["no problem to ask"])
    bad("--offset", -1, fragments=["offset -1"])
    bad("--votes", 0, fragments=["--votes 0"])
    bad("--votes", 2, "--temperature", 0, fragments=["same text"])
    bad("--max-new-tokens", 0, fragments=["max_new_tokens"])
    bad(data=tmp_path / "nothing.jsonl", fragments=["nothing.jsonl"])
    long = tmp_path / "long.jsonl"
    long.write_text(json.dumps({"question": "How much? " * 400, "answer": "#### 1"}) + "\n")
    bad(data=long, fragments=["the prompt of gsm8k/long/1 has", "reads 400"])
    columns = tmp_path / "columns.jsonl"
    columns.write_text('{"a": 1}\n')
    bad(data=columns, fragments=["has the columns a, but gsm8k has question and answer"])
    about = json.loads((trm / "checkpoint/trm.json").read_text())
    other = tmp_path / "other"
    for name, content in before.items():
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_bytes(content)
    (other / "checkpoint/trm.json").write_text(json.dumps({**about, "trm": {**about["trm"], "n_layers": 2}}))
    bad(checkpoint=other, fragments=["trm.json", "other"])  # another configuration than that of its weights
    assert files_of(trm) == before


def test_the_defaults_are_mathllms() -> None:
    found = build_parser().parse_args(["olympiad", "evaluate"])
    assert (found.max_new_tokens, found.offset, str(found.output)) == (1024, 0, "trm_eval_results.json")
    assert (found.supervision_steps, found.split, found.num_samples) == (None, None, None)


def test_a_result_is_the_same_whatever_was_drawn_before(run: Run, trm: Path, words: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    command = ["evaluate", "--checkpoint", trm, "--data", words, "--votes", 2, "--max-new-tokens", 4, "--output", out]
    fine(run(*command, "--num-samples", 2))
    first = out.read_bytes()
    torch.manual_seed(99)
    fine(run(*command, "--num-samples", 2, "--batch-size", 1))
    assert out.read_bytes() == first
