"""The small model stands in for weights that cannot be had: what is saved is read as a user's model would be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.olympiad.commands import Run, fine, refused
from transformers import AutoModelForCausalLM, AutoTokenizer

from longhand.olympiad.answering import load_answering
from longhand.olympiad.backbone import load_backbone
from longhand.olympiad.generate import PlainModel


@pytest.mark.row("S3-B4", "S3-M1")
def test_hugging_face_reads_it_and_computes_the_same(word_model: Path) -> None:
    theirs = AutoModelForCausalLM.from_pretrained(word_model, local_files_only=True).eval()
    assert type(theirs).__name__ == "Qwen2ForCausalLM"
    text = AutoTokenizer.from_pretrained(word_model, local_files_only=True).apply_chat_template(
        [{"role": "user", "content": "How much is it?"}], tokenize=False, add_generation_prompt=True
    )
    answering = load_answering(word_model)
    assert text in answering.chat.decode(answering.prompt_ids("How much is it?"))
    ids = torch.tensor([answering.prompt_ids("How much is it?")])
    with torch.no_grad():
        torch.testing.assert_close(PlainModel(load_backbone(word_model))(ids), theirs(ids).logits, rtol=0, atol=1e-5)


@pytest.mark.row("S3-B4")
def test_sizes_are_those_asked_for_and_impossible_ones_are_one_line(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "model"
    sizes = "--hidden 24 --layers 1 --heads 2 --kv_heads 2 --vocab 300 --context 64 --intermediate 40"
    fine(run("model", "--out", out, *sizes.split()))
    config = json.loads((out / "config.json").read_text())
    wanted = {
        "model_type": "qwen2", "hidden_size": 24, "num_hidden_layers": 1, "num_key_value_heads": 2, "vocab_size": 300,
        "intermediate_size": 40, "max_position_embeddings": 64, "tie_word_embeddings": True,
    }  # fmt: skip
    assert {key: config[key] for key in wanted} == wanted
    refused(run("model", "--out", out), "there already")
    new = tmp_path / "new"
    refused(run("model", "--out", new, "--hidden", 30, "--heads", 4), "hidden 30")
    refused(run("model", "--out", new, "--heads", 4, "--kv-heads", 3), "kv_heads 3")
    refused(run("model", "--out", new, "--vocab", 100), "vocab_size 100")
    refused(run("model", "--out", new, "--layers", 0), "layers is 0")
    refused(run("problems", "--out", tmp_path / "words.txt"), "words.txt")
    assert not new.exists()


def test_what_a_run_made_of_a_model_is_a_model(
    run: Run, parrot: Path, word_model: Path, words: Path, tmp_path: Path
) -> None:
    fine(run("model", "--from-run", parrot / "run", "--out", tmp_path / "model"))
    tuned, written = load_answering(word_model, parrot / "run"), load_answering(tmp_path / "model")
    question = "How much is it?"
    assert written.ask([question], max_new_tokens=20) == tuned.ask([question], max_new_tokens=20)
    assert written.ask([question], max_new_tokens=20)[0].text == r"\boxed{7}"
    refused(run("model", "--from-run", parrot / "run", "--out", tmp_path / "new", "--layers", 2), "--layers")
    flags = ["--method", "lora", "--rank", "2", "--alpha", "2", "--num-samples", "4"]
    fine(run("train", "--model", word_model, "--data", words, "--output-dir", tmp_path / "lora", *flags))
    refused(run("model", "--from-run", tmp_path / "lora", "--out", tmp_path / "new"), "lora", "no plain Qwen2 model")
    refused(run("model", "--from-run", tmp_path, "--out", tmp_path / "new"), "no checkpoint")
    assert not (tmp_path / "new").exists()
