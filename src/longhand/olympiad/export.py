"""A tuned model as a directory of its own, which can be the backbone of the next thing that is trained."""

from __future__ import annotations

from pathlib import Path

from longhand.atomic import replacing_directory
from longhand.errors import UserError
from longhand.olympiad.answering import checkpoint_folder, load_language_model
from longhand.olympiad.backbone import Qwen2Backbone
from longhand.olympiad.quiet import without_bars
from longhand.olympiad.run import run_of
from longhand.olympiad.small_model import refuse_existing
from longhand.olympiad.tokenizer import load_tokenizer
from longhand.olympiad.training.baseline import load_baseline
from longhand.olympiad.training.checkpoint import BASELINE_ABOUT

EXPORTED = ("whole", "last-layers", "extra-layer")


def export_model(run: Path, out: Path, model: Path | None = None) -> int:
    """Write what a run made of its model to the new directory `out`, whole or not at all; returns its parameters.

    `model` says where the model of the run is by now. Raises `UserError` for a run whose result is no plain Qwen2 model
    (a recursive head, LoRA, a looped model, a head of its own), and if something is at `out` already.
    """
    refuse_existing(out)
    folder, facts = checkpoint_folder(run), run_of(checkpoint_folder(run))
    if model is None and facts is None:
        raise UserError(f"{run} has no run beside it that says on which model it is; add --model DIR")
    source = model or Path((facts or {})["model"])
    backbone = load_language_model(source)
    kind = "trm"
    if (folder / BASELINE_ABOUT).is_file():
        baseline = load_baseline(folder, backbone)
        kind = baseline.config.method
        if baseline.config.include_lm_head:
            kind += " with a head of its own"
    if kind not in EXPORTED:
        raise UserError(f"{run} is {kind}, which is no plain Qwen2 model; {', '.join(EXPORTED)} can be written as one")
    assert isinstance(backbone, Qwen2Backbone)
    with replacing_directory(out) as directory, without_bars():
        backbone.model.save_pretrained(directory)
        load_tokenizer(source).save_pretrained(directory)
    return backbone.n_parameters
