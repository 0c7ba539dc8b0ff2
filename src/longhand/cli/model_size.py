"""The sizes of math-llm, for those who name the size of a model beside the model."""

from __future__ import annotations

from pathlib import Path

from longhand.errors import UserError

_SHAPE = ("n_layers", "d_model", "n_heads", "d_ff")


def check_model_size(model: Path, size: str | None) -> None:
    """Raise `UserError` if a size is named and the checkpoint has another one.

    math-llm has to be told the size of a checkpoint; ours says it itself.
    """
    if size is None:
        return
    from longhand.registry.find import find_model
    from longhand.runs.checkpoint import find_checkpoint, read_config
    from longhand.shipped import config_path
    from longhand.training.run_config import load_run_config

    wanted = load_run_config(config_path(f"think-{size}")).model
    found = read_config(find_checkpoint(find_model(model)))["model"]
    for key in _SHAPE:
        if found.get(key) != getattr(wanted, key):
            raise UserError(
                f"{model} is not of --model-size {size}: its {key} is {found.get(key)}, not {getattr(wanted, key)};"
                " leave the size out, the checkpoint knows it"
            )
