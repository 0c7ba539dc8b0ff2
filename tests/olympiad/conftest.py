"""A tokenizer trained on generated problems, shared by the tests of a session."""

from __future__ import annotations

from typing import Any

import pytest

from longhand.olympiad.data.chat import ChatFormat
from longhand.olympiad.tokenizer import train_bpe
from longhand.olympiad.word_problems.generate import generate


@pytest.fixture(scope="session")
def bpe() -> Any:
    return train_bpe((text for row in generate(150) for text in row.values()), 512)


@pytest.fixture(scope="session")
def chat(bpe: Any) -> ChatFormat:
    return ChatFormat(bpe)
