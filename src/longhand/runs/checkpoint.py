"""A trained model as a directory that explains itself: `load_checkpoint(path)` needs nothing else.

The files are laid out as Hugging Face does it::

    config.json             model sizes, format, domain, versions
    model.safetensors       the weights
    tokenizer.json          the vocabulary
    generation_config.json  how to decode
    metrics.json            what was measured
    training.json           what it was trained on, and how
    README.md               the model card, written from the files above
    certificate.json        what was proved of it, if anything
    manifest.json           size and SHA-256 of every file
    training_state/         only where a run can be resumed from here

Nothing in it is a pickled object.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy

from longhand.arithmetic.domain import Domain
from longhand.atomic import replacing_directory
from longhand.errors import UserError
from longhand.runs.certificate import CERTIFICATE, Certificate, read_certificate
from longhand.runs.manifest import MANIFEST, check_files, listed_files, write_manifest
from longhand.runs.model_card import model_card
from longhand.runs.weights_file import SAFETENSORS, Weights, find_weights, read_weights
from longhand.text.formats import Format
from longhand.text.vocabulary import Vocabulary
from longhand.version import __version__

if TYPE_CHECKING:
    from longhand.models.decoder import Decoder

FORMAT_VERSION = 1
MODEL_TYPE = "longhand"

CONFIG, WEIGHTS, TOKENIZER = "config.json", SAFETENSORS, "tokenizer.json"
METRICS, TRAINING, CARD = "metrics.json", "training.json", "README.md"
TRAINING_STATE = "training_state"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything a checkpoint directory holds, except the training state.

    `model` is the model section of a run's configuration as JSON data, `weights` the model's state dict as arrays,
    `domain` the problems the model is for (None: no set in particular), `metrics` and `training` JSON data, and
    `certificate` what was proved of it.
    """

    model: Mapping[str, Any]
    weights: Weights
    vocabulary: Vocabulary
    format: Format
    domain: Domain | None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    certificate: Certificate | None = None

    @property
    def num_parameters(self) -> int:
        """Numbers stored as weights; tied weights are stored once."""
        return sum(int(array.size) for array in self.weights.values())

    def build_model(self) -> Decoder:
        """The model with these weights, in evaluation mode, on the CPU.

        Raises `UserError` when the weights are not those of the model the configuration describes.
        """
        import torch

        from longhand.models.build import build_model
        from longhand.models.config import ModelConfig

        model = build_model(ModelConfig.model_validate(dict(self.model)), len(self.vocabulary))
        check_shapes(self.weights, {name: tuple(t.shape) for name, t in model.state_dict().items()})
        model.load_state_dict({name: torch.from_numpy(array) for name, array in self.weights.items()})
        return model.eval()


def save_checkpoint(
    directory: Path, checkpoint: Checkpoint, *, write_state: Callable[[Path], None] | None = None
) -> None:
    """Write a checkpoint directory, whole or not at all; an older one at the same place is replaced.

    `write_state` is given the `training_state` folder to fill. Raises `UserError` when the folder cannot be
    written or the disk is full.
    """
    vocabulary = checkpoint.vocabulary
    config = {
        "model_type": MODEL_TYPE,
        "format_version": FORMAT_VERSION,
        "longhand_version": __version__,
        "vocab_size": len(vocabulary),
        "num_parameters": checkpoint.num_parameters,
        "model": dict(checkpoint.model),
        "format": checkpoint.format.to_dict(),
        "domain": None if checkpoint.domain is None else checkpoint.domain.to_dict(),
    }
    weights = {name: np.ascontiguousarray(array) for name, array in checkpoint.weights.items()}
    # Serialised in memory: a full disk then is an OSError with its reason, not an error of the serialiser.
    weight_bytes = safetensors.numpy.save(weights, metadata={"format": "pt"})
    with replacing_directory(directory) as temporary:
        _write_json(temporary / CONFIG, config)
        (temporary / WEIGHTS).write_bytes(weight_bytes)
        _write_json(temporary / TOKENIZER, vocabulary.to_dict())
        _write_json(temporary / "generation_config.json", _generation_config(checkpoint))
        _write_json(temporary / METRICS, dict(checkpoint.metrics))
        _write_json(temporary / TRAINING, dict(checkpoint.training))
        proof = None if checkpoint.certificate is None else checkpoint.certificate.content
        if proof is not None:
            _write_json(temporary / CERTIFICATE, dict(proof))
        card = model_card(config, vocabulary.name, checkpoint.metrics, checkpoint.training, proof)
        (temporary / CARD).write_text(card, encoding="utf-8", newline="\n")
        if write_state is not None:
            state = temporary / TRAINING_STATE
            state.mkdir()
            write_state(state)
        write_manifest(temporary)


def load_checkpoint(path: Path, *, with_certificate: bool = True) -> Checkpoint:
    """Read a checkpoint directory, the final model of a run directory, or a file of weights beside their `config.json`.

    A directory that has `pytorch_model.bin` alone is read from that; `with_certificate` false leaves the proof out,
    which may be about other weights. Raises `UserError`, one line each, for what is missing, foreign, truncated or
    edited, was written by a newer longhand, or has weights that do not belong to its
    vocabulary.
    """
    directory = find_checkpoint(path)
    config = read_config(directory)
    weights_file = Path(path) if Path(path).is_file() else find_weights(directory)
    is_own = weights_file.resolve() == (directory / WEIGHTS).resolve()
    if is_own:
        check_files(directory, (CONFIG, WEIGHTS, TOKENIZER, METRICS, TRAINING))
    vocabulary = _read_vocabulary(directory)
    if config["vocab_size"] != len(vocabulary):
        raise UserError(
            f"{directory}: {TOKENIZER} has {len(vocabulary)} tokens, but the model was trained with"
            f" {config['vocab_size']}; put its own {TOKENIZER} back"
        )
    with _naming(directory / CONFIG):
        format = Format.from_dict(config["format"])
        domain = None if config["domain"] is None else Domain.from_dict(config["domain"])
    training = directory / TRAINING
    proved = with_certificate and is_own and (directory / CERTIFICATE).is_file()
    return Checkpoint(
        model=config["model"],
        weights=read_weights(weights_file),
        vocabulary=vocabulary,
        format=format,
        domain=domain,
        metrics=_read_json(directory / METRICS) if is_own else {},  # those of other weights say nothing
        training=_read_json(training) if is_own or training.is_file() else {},
        certificate=read_certificate(_read_json(directory / CERTIFICATE), directory, weights_file) if proved else None,
    )


def find_checkpoint(path: Path) -> Path:
    """The checkpoint directory at `path`: itself, or the model of a run directory (its newest, while it trains).

    Of a file of weights it is the directory whose `config.json` lies beside the file or one folder up. Raises
    `UserError` when there is none.
    """
    path = Path(path)
    if path.is_file():
        for directory in (path.parent, path.parent.parent):
            if (directory / CONFIG).is_file():
                return directory
        raise UserError(f"no {CONFIG} found near {path}; keep the weights in their checkpoint directory")
    if not path.is_dir():
        raise UserError(f"no checkpoint at {path}: no such directory")
    for directory in (path, path / "model"):
        if (directory / CONFIG).is_file() or (directory / MANIFEST).is_file():
            return directory
    steps = sorted(found.parent for found in path.glob(f"checkpoints/step_*/{MANIFEST}"))
    if steps:
        return steps[-1]
    raise UserError(f"{path} is not a longhand checkpoint: it has no {CONFIG}")


def read_config(directory: Path) -> dict[str, Any]:
    """The `config.json` of a checkpoint directory; raises `UserError` when it is not one this version reads."""
    config = _read_json(directory / CONFIG)
    if config.get("model_type") != MODEL_TYPE:
        foreign = config.get("model_type")
        what = f"a model of type {foreign!r}" if foreign else "some other program's configuration"
        raise UserError(f"{directory} is not a longhand checkpoint: its {CONFIG} describes {what}")
    version = config.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise UserError(
            f"{directory} was written by longhand {config.get('longhand_version')} in checkpoint format {version};"
            f" this is longhand {__version__}, which reads up to {FORMAT_VERSION}: pip install --upgrade longhand"
        )
    missing = [key for key in ("vocab_size", "model", "format", "domain") if key not in config]
    if missing:
        raise UserError(f"{directory / CONFIG} has no key {missing[0]!r}; copy the directory again")
    return config


def load_vocabulary(path: Path) -> Vocabulary:
    """The vocabulary of a checkpoint or run directory; raises `UserError` if it has none."""
    return _read_vocabulary(find_checkpoint(path))


def _read_vocabulary(directory: Path) -> Vocabulary:
    file = directory / TOKENIZER
    with _naming(file):
        return Vocabulary.from_dict(_read_json(file))


def load_metrics(path: Path) -> dict[str, Any]:
    """What was measured of a checkpoint; raises `UserError` if it does not say."""
    return _read_json(find_checkpoint(path) / METRICS)


def copy_checkpoint(source: Path, target: Path) -> None:
    """Copy a checkpoint without its training state, whole or not at all; raises `UserError` if `source` is damaged."""
    check_files(source)
    with replacing_directory(target) as temporary:
        for name in listed_files(source):
            if not name.startswith(f"{TRAINING_STATE}/"):
                shutil.copyfile(source / name, temporary / name)
        write_manifest(temporary)


def check_shapes(weights: Weights, wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `UserError` naming the first weight that is missing, left over or of another shape."""
    for name, shape in wanted.items():
        if name not in weights:
            raise UserError(f"the weights lack {name}, which the model has; they belong to another model")
        if weights[name].shape != shape:
            raise UserError(
                f"the weights have {name} as {list(weights[name].shape)}, the model as {list(shape)};"
                " they belong to another model or vocabulary"
            )
    for name in weights:
        if name not in wanted:
            raise UserError(f"the weights have {name}, which the model lacks; they belong to another model")


def _generation_config(checkpoint: Checkpoint) -> dict[str, Any]:
    vocabulary = checkpoint.vocabulary
    ids = {f"{role}_token_id": vocabulary.id_of(role) for role in ("bos", "eos", "pad") if vocabulary.has_role(role)}
    lengths = None if checkpoint.domain is None else checkpoint.format.max_lengths(checkpoint.domain)
    limit = checkpoint.model.get("max_seq_len") if lengths is None else lengths[1]
    return {"do_sample": False, "max_new_tokens": limit, **ids}


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the name of a file before what is wrong with its content."""
    try:
        yield
    except UserError as error:
        raise error if str(path) in str(error) else UserError(f"{path}: {error}") from error


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path.parent}: {path.name} is missing; copy the whole directory again") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"{path} is damaged (not JSON); copy the whole directory again") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} is damaged (no JSON object); copy the whole directory again")
    return value
