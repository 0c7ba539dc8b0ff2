from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from longhand.errors import UserError
from longhand.text.formats import Format
from longhand.training.config_errors import dotted_keys
from longhand.training.format_config import FormatConfig
from longhand.training.run_config import RunConfig, describe_keys, dump_run_config, load_run_config

CONFIGS = Path(__file__).parents[2] / "configs"

# The two sections of the published YAML files of the three small language models.
PUBLISHED = """
model: {name: mixtral, d_model: 32, n_heads: 2, n_layers: 2, d_ff: 64, max_seq_len: 20, dropout: 0.0, norm: rmsnorm,
  mlp: moe, pos_encoding: rope, tie_weights: true, n_experts: 4, top_k: 2}
training: {batch_size: 64, learning_rate: 3.0e-4, weight_decay: 0.1, warmup_steps: 100, max_steps: 500, grad_clip: 1.0,
  accumulate_grad_batches: 1, val_check_interval: 1.0}
data: {source: files, path: data/mini}
"""


def load(tmp_path: Path, text: str, **overrides: str) -> RunConfig:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return load_run_config(path, {key.replace("__", "."): value for key, value in overrides.items()})


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_resolved_config_reads_back_to_the_same_value(path: Path, tmp_path: Path) -> None:
    config = load_run_config(path)
    assert load(tmp_path, dump_run_config(config)) == config
    assert RunConfig.from_dict(config.to_dict()) == config


def test_an_empty_file_is_the_default_run(tmp_path: Path) -> None:
    assert load(tmp_path, "") == RunConfig()


@pytest.mark.row("S4-C1")
def test_published_sections_are_accepted_as_they_are(tmp_path: Path) -> None:
    config = load(tmp_path, PUBLISHED)
    assert (config.model.mlp, config.model.n_experts) == ("moe", 4)
    assert (config.training.max_steps, config.training.val_check_interval) == (500, 1.0)
    assert isinstance(config.training.val_check_interval, float)  # 1.0 is an epoch, 1 is a batch


@pytest.mark.parametrize(
    ("text", "overrides", "words"),
    [
        ("modle: {}", {}, ["run.yaml", "unknown key modle", "did you mean model?"]),
        ("training: {max_step: 3}", {}, ["run.yaml", "training.max_step;", "did you mean training.max_steps?"]),
        ("data: {domain: {max_operant: 3}}", {}, ["data.domain.max_operant", "data.domain.max_operand?"]),
        ("training: {zzz: 3}", {}, ["training.zzz", "training has seed, batch_size"]),
        ("training: {max_steps: abc}", {}, ["run.yaml", "training.max_steps", "'abc'", "integer"]),
        ("training: 3", {}, ["run.yaml", "training is 3"]),
        ("training: {val_check_interval: -1}", {}, ["training.val_check_interval is -1"]),
        ("model: {d_model: 30}", {}, ["run.yaml", "d_model 30", "n_heads 4"]),
        ("seed: 1\nseed: 2", {}, ["run.yaml, line 2", "seed is given twice"]),
        ("- 1", {}, ["run.yaml", "mapping"]),
        ("training: {", {}, ["run.yaml, line 1"]),
        ("training: {max_steps: 3}", {"training__max_step": "4"}, ["--training.max_step", "--training.max_steps?"]),
        ("", {"max_steps": "4"}, ["--max_steps", "--training.max_steps?"]),
        ("", {"training__max_steps": "x"}, ["run.yaml with --training.max_steps x", "'x'"]),
        ("training: {max_steps: x}", {"training__max_steps": "4"}, ["run.yaml: training.max_steps is 'x'"]),
        ("", {"training__early_stopping": "4"}, ["--training.early_stopping is a section", "early_stopping.patience"]),
        ("", {"training__seed__x": "4"}, ["unknown key --training.seed.x"]),
        ("training: {warmup_steps: 3, warmup_epochs: 1}", {}, ["warmup_steps and warmup_epochs are both set"]),
        ("training: {flat_fraction: 0.3}", {}, ["flat_fraction has no effect with schedule: cosine"]),
        ("training: {schedule: constant, min_lr_ratio: 0.3}", {}, ["min_lr_ratio has no effect"]),
        ("training: {warmup_start_ratio: 0.3}", {}, ["warmup_start_ratio has no effect"]),
        ("training: {val_check_interval: 1.5}", {}, ["val_check_interval 1.5"]),
        ("training: {betas: [0.9, 1.0]}", {}, ["betas [0.9, 1.0]"]),
        ("training: {eval_interval: 1, val_check_interval: 1}", {}, ["eval_interval and val_check_interval"]),
        ("format: {operand_width: 0}", {}, ["operand_width", "0"]),
    ],
)
def test_a_mistake_is_one_line_with_the_place_the_key_and_the_remedy(
    tmp_path: Path, text: str, overrides: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        load(tmp_path, text, **overrides)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no configuration at .*nothing\.yaml"):
        load_run_config(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("training.max_steps", "100", 100),
        ("training.learning_rate", "1e-3", 0.001),
        ("training.grad_clip", "null", None),
        ("training.betas", "0.9,0.95", (0.9, 0.95)),
        ("training.val_check_interval", "1.0", 1.0),
        ("training.early_stopping.patience", "7", 7),
        ("data.domain.operators", "+,-", ("+", "-")),
        ("data.domain.operators", "[+, -]", ("+", "-")),
        ("data.domain.operators", "-", ("-",)),
        ("data.mixture", "{uniform: 0.5, short: 0.5}", {"uniform": 0.5, "short": 0.5}),
        ("data.mixture.short", "0.5", {"uniform": 0.5, "short": 0.5}),
        ("format.operand_width", "widest", "widest"),
        ("format.operand_width", "3", 3),
        ("model.tie_weights", "false", False),
        ("vocabulary", "poc16", "poc16"),
    ],
)
def test_an_override_is_read_as_its_key_wants_it(tmp_path: Path, key: str, text: str, value: Any) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "data: {mixture: {uniform: 1.0}}"
        if key != "data.mixture.short"
        else "data: {mixture: {uniform: 0.5, cascade: 0.5}}"
    )
    overrides = {key: text, **({"data.mixture.cascade": "0"} if key == "data.mixture.short" else {})}
    section: Any = load_run_config(path, overrides)
    for name in key.removesuffix(".short").split("."):
        section = getattr(section, name)
    if isinstance(section, dict):
        section = {name: share for name, share in section.items() if share}
    assert section == value
    assert type(section) is type(value)


def test_every_key_has_a_line_of_help() -> None:
    lines = describe_keys(RunConfig).splitlines()
    assert [line.split()[0] for line in lines] == list(dotted_keys(RunConfig))
    assert all(len(line.split()) > 3 for line in lines)


def test_the_format_section_is_the_format() -> None:
    defaults = {field.name: field.default for field in fields(Format)}
    follows_domain = {"semantics": None, "division": None}
    assert {name: field.default for name, field in FormatConfig.model_fields.items()} == {**defaults, **follows_domain}


def test_the_format_is_evaluated_as_the_domain_unless_it_says_otherwise() -> None:
    domain = {"operators": ["/"], "division": "remainder"}
    assert RunConfig.from_dict({"data": {"domain": domain}}).to_format().division == "remainder"
    told = RunConfig.from_dict({"data": {"domain": domain}, "format": {"division": "exact"}})
    assert told.to_format().division == "exact"
