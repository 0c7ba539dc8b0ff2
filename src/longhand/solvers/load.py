"""From a checkpoint directory to a solver."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from longhand.errors import UserError
from longhand.models.config import ModelConfig
from longhand.numpy_gpt.fits import check_fits
from longhand.numpy_gpt.model import NumpyGPT
from longhand.numpy_gpt.parameters import Parameters, weight_shapes
from longhand.numpy_gpt.windowed import WindowNetwork, window_weight_shapes
from longhand.registry.find import find_model
from longhand.runs.checkpoint import Checkpoint, check_shapes, load_checkpoint
from longhand.runtime import torch_is_installed
from longhand.solvers.numpy_solver import NumpySolver
from longhand.solvers.windowed import WindowedSolver
from longhand.text.layouts.registry import layout

if TYPE_CHECKING:
    import torch

    from longhand.solvers.autoregressive import AutoregressiveSolver

Engine = Literal["auto", "native", "torch", "numpy"]


@overload
def load(path: str | Path, *, engine: Literal["numpy"]) -> NumpySolver: ...


@overload
def load(
    path: str | Path,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    threads: int | None = None,
    engine: Literal["auto", "native", "torch"] = "auto",
) -> AutoregressiveSolver: ...


def load(
    path: str | Path,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    threads: int | None = None,
    engine: Engine = "auto",
) -> AutoregressiveSolver | NumpySolver | WindowedSolver:
    """Return the solver of a checkpoint or run directory, a version in the registry, or a model shipped with longhand.

    A version is written `NAME@ALIAS` or `NAME:VERSION`. The directory says everything else itself, and its files are
    compared with their SHA-256 first. `dtype` is float32 unless given; `threads` sets the threads of torch in this
    whole process; `engine` torch decodes by the reference path, which is slower. With `engine` numpy, and with auto
    where torch is not installed, NumPy alone computes the model, on the CPU and in float32. Raises `UserError`, one
    line, for a model that is missing, foreign, truncated or edited, for a device that is not there, and for a model or
    a setting the engine does not have.
    """
    return solver_of(load_checkpoint(find_model(path)), device=device, dtype=dtype, threads=threads, engine=engine)


def solver_of(
    checkpoint: Checkpoint,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    threads: int | None = None,
    engine: Engine = "auto",
) -> AutoregressiveSolver | NumpySolver | WindowedSolver:
    """Return the solver of a checkpoint in memory; the settings, and what is raised, are those of `load`."""
    if checkpoint.model.get("block") == "window":
        return load_windowed(checkpoint)
    if engine == "numpy" or (engine == "auto" and not torch_is_installed()):
        if str(device) != "cpu" or dtype is not None:
            raise UserError("the numpy engine computes on the CPU and in float32; leave out device and dtype")
        return load_with_numpy(checkpoint)
    import torch

    from longhand.solvers.autoregressive import AutoregressiveSolver

    if threads is not None:
        torch.set_num_threads(threads)
    _check_vocabulary(checkpoint)
    model = checkpoint.build_model()
    try:
        model = model.to(device=device, dtype=dtype or torch.float32)
    except (RuntimeError, AssertionError) as error:  # torch built without CUDA asserts
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"cannot put the model on device {str(device)!r}: {reason}") from error
    return AutoregressiveSolver(
        model,
        checkpoint.vocabulary,
        checkpoint.format,
        checkpoint.domain,
        engine=engine,
        certificate=checkpoint.certificate,
    )


def load_windowed(checkpoint: Checkpoint) -> WindowedSolver:
    """The solver of a windowed model, in float64; raises `UserError` for weights or a vocabulary of another."""
    config = ModelConfig.model_validate(dict(checkpoint.model))
    assert config.layout is not None
    _check_vocabulary(checkpoint)
    rows = layout(config.layout)
    shapes = window_weight_shapes(
        config.n_layers,
        config.n_heads,
        config.d_model,
        config.d_ff,
        len(rows.slots),
        len(rows.vocabulary),
        head=not config.tie_weights,
    )
    check_shapes(checkpoint.weights, shapes)
    network = WindowNetwork(checkpoint.weights, config.n_layers, config.n_heads, config.norm_eps)
    return WindowedSolver(network, rows, checkpoint.format, checkpoint.domain, checkpoint.certificate)


def _check_vocabulary(checkpoint: Checkpoint) -> None:
    """Raise `UserError` for a model that reads the rows of a layout, and a vocabulary they are not spelled with."""
    name = checkpoint.model.get("layout")
    if name is not None and checkpoint.vocabulary.tokens != layout(name).vocabulary.tokens:
        raise UserError(
            f"the layout {name} reads the vocabulary {layout(name).vocabulary.name}, and the checkpoint has"
            f" {checkpoint.vocabulary.name}; they belong to different models"
        )


def load_with_numpy(checkpoint: Checkpoint) -> NumpySolver:
    """The solver of a checkpoint that NumPy computes; raises `UserError` for a model it does not compute."""
    config = ModelConfig.model_validate(dict(checkpoint.model))
    check_fits(config)
    shapes = weight_shapes(config, len(checkpoint.vocabulary))
    check_shapes(checkpoint.weights, shapes)
    parameters = Parameters(shapes)
    parameters.load(checkpoint.weights)
    return NumpySolver(NumpyGPT(config, parameters), checkpoint.vocabulary, checkpoint.format, checkpoint.domain)
