"""Planted secrets are found with file and line and never told; our own sources and models have none."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import longhand
from longhand.olympiad.contest.secret_scan import Secret, is_random, secrets_in
from longhand.shipped import model_path

LETTERS = string.ascii_letters + string.digits


def drawn(seed: int, length: int, alphabet: str = LETTERS) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length))


# Written in parts, so that this file holds none itself. What a secret looks like, from a seed; and how it is called.
PLANTED = {
    "Hugging Face token": lambda seed: "hf" + "_" + drawn(seed, 34),
    "Kaggle token": lambda seed: "KGAT" + "_" + drawn(seed, 32),
    "secret key (sk-)": lambda seed: "sk" + "-proj-" + drawn(seed, 40),
    "GitHub token": lambda seed: "ghp" + "_" + drawn(seed, 36),
    "GitHub token (fine-grained)": lambda seed: "github" + "_pat_" + drawn(seed, 22) + "_" + drawn(seed + 1, 59),
    "GitLab token": lambda seed: "glpat" + "-" + drawn(seed, 20),
    "AWS access key": lambda seed: "AK" + "IA" + drawn(seed, 16, string.ascii_uppercase + "234567"),
    "Google API key": lambda seed: "AI" + "za" + drawn(seed, 35),
    "Slack token": lambda seed: "xoxb" + "-" + drawn(seed, 12, string.digits) + "-" + drawn(seed, 24),
    "PyPI token": lambda seed: "pypi" + "-AgE" + drawn(seed, 60),
    "signed web token": lambda seed: ".".join(
        ("ey" + "J" + drawn(seed, 30), "ey" + "J" + drawn(seed, 50), drawn(seed, 43))
    ),
    "private key": lambda seed: "-----BEGIN RSA " + "PRIVATE KEY-----\n" + drawn(seed, 64),
    "Kaggle key": lambda seed: '"key": "' + drawn(seed, 32, "0123456789abcdef") + '"',
    "Weights & Biases key": lambda seed: "WANDB_API" + "_KEY=" + drawn(seed, 40, "0123456789abcdef"),
    "password in an address": lambda seed: "postgres://me" + ":" + drawn(seed, 12) + "@host/db",
    "assigned value that looks like a secret": lambda seed: 'my_api_key = "' + drawn(seed, 20) + "7a1b2c3d" + '"',
}


@pytest.mark.row("S3-K1")
@pytest.mark.parametrize("kind", PLANTED)
@settings(max_examples=10)
@given(seed=st.integers(0, 10**9), before=st.lists(st.sampled_from(["", "import os", "x = 1  # ü"]), max_size=5))
def test_a_planted_secret_is_found_where_it_is_and_not_told(kind: str, seed: int, before: list[str]) -> None:
    secret = PLANTED[kind](seed)
    content = "\n".join([*before, secret, "y = 2", ""]).encode()
    found = list(secrets_in("src/settings.py", content))
    assert Secret("src/settings.py", len(before) + 1, kind) in found
    assert {each.line for each in found} == {len(before) + 1}
    for each in found:
        assert secret[8:] not in str(each)
        assert str(each).startswith(f"src/settings.py:{len(before) + 1} (")


@pytest.mark.parametrize(
    "name",
    ["kaggle.json", "a/b/.env", ".env.local", ".netrc", "id_rsa", "home/.git-credentials", "key.p12", "KAGGLE.JSON"],
)
def test_files_that_are_secrets_by_name_are_found_whatever_they_hold(name: str) -> None:
    assert [each.path for each in secrets_in(name, b"")] == [name]


def test_what_only_looks_like_one_is_none() -> None:
    harmless = """
    token = "<|endoftext|>"
    "bos_token_id": 151643, "pad_token": "<|reserved_special_token_0|>"
    tokenizer_class: Qwen2Tokenizer
    api_key = os.environ["OPENAI_API_KEY"]
    password = "your-password-goes-here"
    secret_name = "gpt2_layer_12_attention_weights"
    token = "aaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    token_embedding = "model.embed_tokens.weight"
    hf_hub_download("longhand/add-sub-3")  # not hf_something_with_words
    ask-for-a-number-in-these-words, task-specific-adaptation
    https://user:password@example.org, https://example.org:8080/a@b
    sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    -----BEGIN CERTIFICATE-----
    """
    assert list(secrets_in("README.md", harmless.encode())) == []
    assert not is_random("gpt2_layer_12_attention")
    assert list(secrets_in(".env.example", b"KEY=")) == []


def test_the_head_of_a_binary_file_is_read_and_its_numbers_are_not() -> None:
    secret = PLANTED["Hugging Face token"](3).encode()
    assert [each.kind for each in secrets_in("a.safetensors", b"\0\1{" + secret + b"}")] == ["Hugging Face token"]
    assert list(secrets_in("a.safetensors", b"\0" * 2_000_000 + secret)) == []
    assert list(secrets_in("a.npz", random.Random(0).randbytes(1_000_000))) == []


@pytest.mark.row("S3-K1")
def test_our_own_sources_and_models_have_none() -> None:
    folders = [Path(longhand.__file__).parent / "olympiad", model_path("add-sub-3"), Path(__file__).parent]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert len(files) > 30
    assert [each for path in files for each in secrets_in(path.name, path.read_bytes())] == []
