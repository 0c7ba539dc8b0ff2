"""What `longhand serve --help` says of its defaults is what the settings say."""

from __future__ import annotations

import re

import pytest

from longhand.cli.serve import _OPTIONS
from longhand.errors import UserError
from longhand.serving.settings import KEYS, ServingSettings, keys_from_environment


def test_the_defaults_that_the_help_names_are_those_of_the_settings() -> None:
    fields = ServingSettings.model_fields
    for name, kind, meaning in _OPTIONS:
        default = fields[name.replace("-", "_")].default
        said = re.search(r"\(([^()]*)\)$", meaning)
        assert said is not None or default is None, name
        if default is not None:
            assert said is not None
            assert kind(said[1]) == default, name
    unnamed = set(fields) - {name.replace("-", "_") for name, *_ in _OPTIONS}
    assert unnamed == {"model", "cors", "log"}  # given in other ways


def test_settings_reach_a_worker_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGHAND_SERVING", "{}")
    settings = ServingSettings(model="four-3", max_queue=7, cors=("https://a.example",), rate_limit="3/minute")
    settings.to_environment()
    assert ServingSettings.from_environment() == settings


def test_keys_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEYS, " one, two,,")
    assert keys_from_environment() == ("one", "two")
    monkeypatch.delenv(KEYS)
    assert keys_from_environment() == ()


@pytest.mark.parametrize("values", [{"port": -1}, {"workers": 0}, {"deadline_ms": 0}, {"unknown": 1}])
def test_impossible_settings_are_one_line(values: dict[str, object]) -> None:
    (name,) = values
    with pytest.raises(UserError, match=rf"^--{name.replace('_', '-')} "):
        ServingSettings.of(values)
