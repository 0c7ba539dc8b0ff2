"""What the flags of `longhand olympiad train` mean for each method: its own flags, its defaults, its configuration."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longhand.errors import UserError

if TYPE_CHECKING:
    from longhand.olympiad.training.baseline import BaselineConfig
    from longhand.olympiad.training.config import RecursiveTrainingConfig

Settings = dict[str, Any]

_ALL: Settings = {
    "dataset": "gsm8k", "epochs": 3, "batch_size": 4, "warmup_steps": 0, "seed": 0, "save_interval": 500,
    "compile": False, "max_length": 1024, "max_steps": None,
}  # fmt: skip
_OWN: Mapping[str, Settings] = {
    "trm": {
        "lr": 1e-4, "gradient_accumulation": 1, "n_layers": 1, "n_latent": 6, "t_recursion": 3, "n_supervision": 16,
        "residual": "post", "freeze_lm_head": True,
    },
    "last-layers": {"lr": 2e-5, "gradient_accumulation": 8, "n_layers": 1, "include_lm_head": False},
    "extra-layer": {"lr": 1e-4, "gradient_accumulation": 4, "max_length": 512},
    "lora": {"lr": 2e-4, "gradient_accumulation": 8, "rank": 128, "alpha": 256},
    "whole": {"lr": 2e-5, "gradient_accumulation": 8},
    "looped": {"lr": 1e-3, "gradient_accumulation": 1, "n_layers": 1, "n_loops": 8},
}  # fmt: skip
METHODS = tuple(_OWN)

_IN_ALL = {*_ALL, "lr", "gradient_accumulation"}
_PATHS = ("data", "split", "num_samples")


def defaults_table() -> str:
    """The defaults that are not the same for all methods, a line for each flag."""
    keys = ("lr", "gradient_accumulation", "max_length")
    width = max(map(len, keys)) + 4
    lines = ["".join(f"{method:<13}" for method in METHODS)]
    lines += ["".join(f"{own.get(key, _ALL.get(key)):<13g}" for own in _OWN.values()) for key in keys]
    names = ["", *(f"--{key.replace('_', '-')}" for key in keys)]
    return "\n".join(f"  {name:<{width}}{line}".rstrip() for name, line in zip(names, lines, strict=True))


def resolve(arguments: argparse.Namespace, device: str) -> Settings:
    """Every setting of a new run; raises `UserError` for a flag that the method has no use for."""
    method = arguments.method or METHODS[0]
    settings = {**_ALL, **_OWN[method], "method": method, "amp": device == "cuda"}
    for key in sorted({key for own in _OWN.values() for key in own} - set(settings)):
        if getattr(arguments, key, None) is not None:
            raise UserError(f"--{key.replace('_', '-')} has no effect with --method {method}; leave it out")
    for key in settings:
        given = getattr(arguments, key)
        if given is not None:
            settings[key] = given
    return {**settings, **{key: _plain(getattr(arguments, key)) for key in _PATHS}}


def check_unchanged(arguments: argparse.Namespace, settings: Settings, directory: Path) -> None:
    """Raise `UserError` if a flag of a resumed run says otherwise than when it was started."""
    if arguments.overwrite:
        raise UserError("--overwrite begins anew and --resume goes on; keep one of them")
    for key in (*_IN_ALL, *settings):
        given = _plain(getattr(arguments, key, None))
        if given is not None and given != settings.get(key):
            raise UserError(
                f"{directory} was started with {key.replace('_', '-')} {settings.get(key)}, not {given};"
                " leave that out, or start another run"
            )


def training_of(settings: Settings) -> RecursiveTrainingConfig:
    """How the steps are taken: MathLLM's optimizer and schedule, with a schedule that ends where the training does."""
    from longhand.olympiad.training.config import RecursiveTrainingConfig
    from longhand.training.config_errors import validated

    values = {
        "seed": settings["seed"],
        "epochs": settings["epochs"],
        "max_steps": settings["max_steps"],
        "accumulate_grad_batches": settings["gradient_accumulation"],
        "learning_rate": settings["lr"],
        "warmup_steps": settings["warmup_steps"],
        "weight_decay": 0.01,
        "precision": "bf16" if settings["amp"] else "fp32",
        "compile": settings["compile"],
        "save_interval": settings["save_interval"],
    }
    return validated(RecursiveTrainingConfig, values, "longhand olympiad train")


def method_of(settings: Settings) -> BaselineConfig | dict[str, Any]:
    """What is trained: a baseline, or the keys of a recursive head that are not its backbone's."""
    from longhand.models.trm_config import TrmConfig
    from longhand.olympiad.training.baseline import BaselineConfig
    from longhand.training.config_errors import validated

    method = settings["method"]
    if method != "trm":
        own = {key: settings[key] for key in _OWN[method] if key in BaselineConfig.model_fields}
        return validated(BaselineConfig, {"method": method, **own}, "longhand olympiad train")
    keys = {key: settings[key] for key in _OWN["trm"] if key in TrmConfig.model_fields}
    # Where that is possible the head begins as the backbone itself: what ends a part is 0.
    keys["init"] = "scaled" if settings["residual"] == "none" else "zero"
    validated(TrmConfig, {"d_model": 2, "n_heads": 1, **keys}, "longhand olympiad train")
    return keys


def _plain(value: Any) -> Any:
    return str(value.resolve()) if isinstance(value, Path) else value
