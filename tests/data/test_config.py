from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from longhand.arithmetic.domain import Domain
from longhand.data.config import DataConfig, DomainConfig
from longhand.data.stream import TrainStream
from longhand.errors import UserError
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

STREAM: dict[str, Any] = {"domain": {"max_operand": 99}, "mixture": {"uniform": 0.5, "short": 0.5}}
# For every key a value that is neither its default nor what the base configuration says; None: refused there.
OTHER_FOR_STREAM: dict[str, Any] = {
    "source": None,
    "path": None,
    "text": None,
    "domain": {"max_operand": 98},
    "mixture": {"uniform": 0.5, "cascade": 0.5},
    "train_fraction": 0.3,
    "val_fraction": 0.1,
    "inverse": False,
    "train_basic_facts": True,
    "split_seed": 1,
    "loss": "full",
    "padding": "left",
}
OTHER_FOR_FILE: dict[str, Any] = {
    **OTHER_FOR_STREAM,
    "path": "other.txt",
    "text": "rewrite",
    "domain": {"max_operand": 9},
    "train_basic_facts": None,
}
OTHER_FOR_FOLDER: dict[str, Any] = {
    **OTHER_FOR_FILE,
    "path": "other",
    "train_fraction": None,
    "val_fraction": None,
    "split_seed": None,
}
REFUSED: dict[str, Any] = {
    "source": "files",
    "path": "rows.txt",
    "text": "rewrite",
    "train_fraction": 0.3,
    "val_fraction": 0.1,
    "split_seed": 1,
    "train_basic_facts": True,
}


def fingerprint(config: DataConfig) -> object:
    """Everything that training sees of a configuration."""
    stream = TrainStream(config, Format(), vocabulary("unified"), batch_size=64)
    batch, held_out = stream.batch(3), stream.validation(20)
    arrays = (batch.input_ids, batch.weights, batch.attention_mask, held_out.tokens.ids)
    return [(array.shape, array.tobytes()) for array in arrays], stream.describe(), stream.domain


def acts(base: dict[str, Any], key: str, value: Any) -> bool:
    """Whether another value of a key changes training; an error counts, because it is not silence."""
    try:
        other = fingerprint(DataConfig(**{**base, key: value}))
    except (UserError, ValidationError):
        return True
    return fingerprint(DataConfig(**base)) != other


def refused(base: dict[str, Any], key: str) -> bool:
    try:
        fingerprint(DataConfig(**{**base, key: REFUSED[key]}))
    except (UserError, ValidationError) as error:
        return key in str(error) or "data.path" in str(error)
    return False


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [f"{a}+{b}={a + b}\n" for a in range(12) for b in range(12)]
    Path("rows.txt").write_text("".join(rows))
    Path("other.txt").write_text("".join(row.replace("+", "+") for row in rows[:80]))
    Path("spaced.txt").write_text("".join(row.replace("+", " + ").replace("=", " = ") for row in rows))
    for name, cut in (("set", 120), ("other", 100)):
        Path(name).mkdir()
        Path(name, "train.txt").write_text("".join(rows[:cut]))
        Path(name, "val.txt").write_text("".join(rows[cut:]))
    return tmp_path


@pytest.mark.parametrize("key", DataConfig.model_fields)
def test_every_key_of_a_stream_acts_or_is_refused(key: str) -> None:
    value = OTHER_FOR_STREAM[key]
    assert refused(STREAM, key) if value is None else acts(STREAM, key, value)


@pytest.mark.parametrize("key", DataConfig.model_fields)
def test_every_key_of_one_file_acts_or_is_refused(key: str, folder: Path) -> None:
    base = {"source": "files", "path": "spaced.txt" if key == "text" else "rows.txt"}
    if key == "text":  # rows of another style are refused as they are, and accepted rewritten
        with pytest.raises(UserError, match="in the run's format"):
            fingerprint(DataConfig(**base))
        assert fingerprint(DataConfig(**base, text="rewrite"))
        return
    if key == "source":
        assert refused({"path": "rows.txt"}, "source") is False
        return
    value = OTHER_FOR_FILE[key]
    assert refused(base, key) if value is None else acts(base, key, value)


@pytest.mark.parametrize("key", [key for key in DataConfig.model_fields if key not in ("source", "text")])
def test_every_key_of_a_folder_acts_or_is_refused(key: str, folder: Path) -> None:
    base = {"source": "files", "path": "set"}
    value = OTHER_FOR_FOLDER[key]
    assert refused(base, key) if value is None else acts(base, key, value)


@pytest.mark.parametrize("key", DomainConfig.model_fields)
def test_every_key_of_a_domain_reaches_the_domain(key: str) -> None:
    other: dict[str, Any] = {
        "operators": ("*",), "n_operands": 3, "min_operand": 1, "max_operand": 5, "negatives": "allow",
        "division": "remainder", "semantics": "left_to_right",
    }  # fmt: skip
    assert getattr(DomainConfig(**{key: other[key]}).to_domain(), key) == other[key] != getattr(Domain(), key)


def test_the_default_domain_is_the_default_of_the_arithmetic_package() -> None:
    assert DomainConfig().to_domain() == Domain()
    assert DataConfig().domain is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": 1}, "Extra inputs"),
        ({"domain": {"max_operands": 9}}, "Extra inputs"),
        ({"domain": {"min_operand": 10, "max_operand": 9}}, "min_operand 10 is above max_operand 9"),
        ({"mixture": {"uniform": 0.5}}, "sum to 0.5"),
        ({"mixture": {"uniform": 1.5, "short": -0.5}}, "data.mixture.uniform is 1.5"),
        ({"mixture": {"medium": 1.0}}, "uniform"),
        ({"train_fraction": 0.9, "val_fraction": 0.2}, "0.9 and data.val_fraction 0.2 sum to more than 1"),
        ({"train_fraction": 0}, "greater than 0"),
        ({"source": "files"}, "needs data.path"),
        ({"path": "data"}, "no effect with data.source: stream"),
        ({"source": "files", "path": "d", "mixture": {"short": 0.9}}, "sum to 0.9"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DataConfig(**settings)


def test_a_configuration_survives_being_saved() -> None:
    for config in (DataConfig(), DataConfig(**STREAM), DataConfig(source="files", path="d", train_fraction=0.5)):
        assert DataConfig.model_validate_json(config.model_dump_json()) == config


def test_every_key_is_described() -> None:
    for model in (DataConfig, DomainConfig):
        assert all(field.description for field in model.model_fields.values())


def test_a_full_training_share_leaves_nothing_for_validation() -> None:
    assert DataConfig(train_fraction=1.0).split_fractions(0.2) == (1.0, 0.0)
    assert np.isclose(DataConfig(train_fraction=0.97).split_fractions(0.2)[1], 0.03)
