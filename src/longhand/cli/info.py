"""`longhand info`: what a configuration or a model is, before and after training."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longhand.cli.arguments import Parser, add_output_file
from longhand.cli.output import print_table, write_result
from longhand.errors import UserError

if TYPE_CHECKING:
    from longhand.models.config import ModelConfig


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "info", help="describe a configuration or a model",
        description="Print shapes, parameters and FLOPs of what a configuration would train, or of a trained model,\n"
        "with what it was trained on and how it did.",
        epilog="examples:\n  longhand info demo\n  longhand info runs/demo --output-file info.json",
    )  # fmt: skip
    parser.add_argument(
        "target",
        metavar="CONFIG|MODEL",
        help="YAML file, checkpoint directory, NAME@ALIAS or NAME:VERSION in the registry, or a shipped name",
    )
    add_output_file(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what the target is."""
    path = _resolve(arguments.target)
    facts = _describe_model(path) if path.is_dir() else _describe_config(path)
    write_result(arguments.output_file, facts)
    return 0


def _resolve(target: str) -> Path:
    from longhand.registry.find import find_model
    from longhand.registry.reference import names_a_version
    from longhand.shipped import config_path, model_path, shipped_names

    if Path(target).exists():
        return Path(target)
    if names_a_version(target):
        return find_model(target)
    if Path(target).name in shipped_names("models"):
        return model_path(target)
    try:
        return config_path(target)
    except UserError:
        known = ", ".join(shipped_names("configs") + shipped_names("models"))
        raise UserError(f"no configuration or model at {target}; shipped are {known}") from None


def _describe_config(path: Path) -> dict[str, Any]:
    from longhand.text.presets import vocabulary
    from longhand.training.run_config import load_run_config

    config = load_run_config(path)
    return _describe_sizes(str(path), config.model, len(vocabulary(config.vocabulary)), config.vocabulary)


def _describe_model(path: Path) -> dict[str, Any]:
    from longhand.models.config import ModelConfig
    from longhand.runs.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(path)
    model = ModelConfig(**checkpoint.model)
    facts = _describe_sizes(str(path), model, len(checkpoint.vocabulary), checkpoint.vocabulary.name)
    trained = {"trained on": checkpoint.training, "measured": checkpoint.metrics}
    for title, section in trained.items():
        rows = [[key, _short(value)] for key, value in _flatten(section)]
        if rows:
            print()
            print_table(title, ["", ""], rows)
    return {**facts, "training": dict(checkpoint.training), "metrics": dict(checkpoint.metrics)}


def _describe_sizes(title: str, model: ModelConfig, vocab_size: int, vocabulary: str) -> dict[str, Any]:
    from longhand.models.sizing import active_parameters, count_parameters, flops_per_token, weight_shapes

    shapes = weight_shapes(model, vocab_size)
    print_table(
        title,
        ["weight", "shape", "parameters"],
        [[weight.name, " × ".join(map(str, weight.shape)), f"{weight.n_parameters:,}"] for weight in shapes],
    )
    parameters = count_parameters(model, vocab_size)
    active = active_parameters(model, vocab_size)
    flops = flops_per_token(model, vocab_size, model.max_seq_len)
    context, read = f"context {model.max_seq_len} tokens", "at full context"
    if model.layout is not None:
        context, read = f"layout {model.layout}, context of any length", "whatever the context"
    print(f"\n{model.name}, vocabulary {vocabulary} ({vocab_size} tokens), {context}")
    print(", ".join(_parts(model)))
    loops = f", {model.n_loops} times the same {model.n_layers}" if model.n_loops > 1 else ""
    print(f"sequential depth {model.depth} blocks{loops}")
    print(f"{parameters:,} parameters" + (f", {active:,} of them used per token" if active != parameters else ""))
    print(f"{flops:,} FLOPs per token forward {read}, {3 * flops:,} in training (matrix products)")
    return {
        "name": title,
        "model": model.model_dump(mode="json"),
        "vocabulary": vocabulary,
        "vocab_size": vocab_size,
        "sequential_depth": model.depth,
        "parameters": parameters,
        "active_parameters": active,
        "flops_per_token": flops,
        "training_flops_per_token": 3 * flops,
        "weights": [{"name": w.name, "shape": list(w.shape), "parameters": w.n_parameters} for w in shapes],
    }


_PARTS = ("block", "norm", "norm_place", "mlp", "pos_encoding", "softmax", "init")
_FLAGS = ("scale_embeddings", "tie_weights", "head_bias", "attention_bias", "mlp_bias", "legacy_cross_attention")


def _parts(model: ModelConfig) -> list[str]:
    """What the model is put together from, as `key: value`, and the names of what is on."""
    chosen = [f"{key}: {value}" for key in _PARTS if (value := getattr(model, key)) is not None]
    return chosen + [key for key in (*_FLAGS, "loop_embeddings") if getattr(model, key)]


def _flatten(section: Any, prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in section.items():
        if key == "config":  # the whole resolved configuration: --output-file has it
            continue
        if isinstance(value, dict):
            rows += _flatten(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", value))
    return rows


def _short(value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
