"""Two hundred generated problems in each schema, 150 to train and 50 to test, for a first look and for tests.

`write_problems` of `longhand.olympiad.word_problems.generate` makes the same files from seed 0, and longer ones.
"""

from __future__ import annotations

from pathlib import Path

from longhand.olympiad.data.schemas import Schema


def sample_path(schema: Schema) -> Path:
    """The folder with the shipped problems of a schema, as `open_dataset` takes it."""
    return Path(__file__).resolve().parent / schema
