"""Where the parts of a bundle come from: our own sources, a model, wheels, and their licences."""

from __future__ import annotations

import email.parser
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import longhand
from longhand.errors import UserError
from longhand.runs.manifest import MANIFEST, check_files, listed_files

_LEFT_OUT = {"__pycache__", "shipped_files", "lib"}  # caches, models that nobody asked for, compiled kernels
_WEIGHTS = (".safetensors", ".npz", ".gguf", ".bin", ".pt")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")


def sources() -> dict[str, Path]:
    """The files of this package, by path below it: no caches, nothing compiled, none of the models it ships."""
    home = Path(longhand.__file__).parent
    return {
        name.as_posix(): home / name
        for name in (path.relative_to(home) for path in home.rglob("*") if path.is_file())
        if not _LEFT_OUT.intersection(name.parts) and not any(part.startswith(".") for part in name.parts)
        if name.suffix not in (".pyc", ".so")
    }


def model_files(model: Path) -> dict[str, Path]:
    """The files of a model's directory by path below it: of one of ours those it lists, which are checked.

    Raises `UserError` if it has no weights or no tokenizer, or is damaged.
    """
    if not model.is_dir():
        raise UserError(f"{model} is no directory of a model")
    if (model / MANIFEST).is_file():
        check_files(model)
        names = [*listed_files(model), MANIFEST]
    else:
        paths = (path.relative_to(model) for path in model.rglob("*") if path.is_file())
        names = [path.as_posix() for path in paths if not any(part.startswith((".", "__")) for part in path.parts)]
    plain = {Path(name).name for name in names}
    if not any(name.endswith(_WEIGHTS) for name in plain):
        raise UserError(f"{model} has no weights ({', '.join(_WEIGHTS)}); name the directory of a trained model")
    if not plain.intersection(_TOKENIZERS):
        raise UserError(f"{model} has no tokenizer ({', '.join(_TOKENIZERS)}); save it beside the weights")
    return {name: model / name for name in names}


def wheel_files(folder: Path) -> dict[str, Path]:
    """The wheels in a folder by name; raises `UserError` if there are none, or for a file that is no wheel."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    if not files:
        raise UserError(f"{folder} has no wheels; fill it with: pip download --only-binary :all: -d {folder} PACKAGE")
    for path in files:
        if path.suffix != ".whl" or not zipfile.is_zipfile(path):
            raise UserError(f"{path} is no wheel; keep only .whl files in {folder}")
    return {path.name: path for path in files}


def licence_text() -> bytes:
    """The licence of longhand, from the checkout or the installed package."""
    checkout = Path(longhand.__file__).parents[2] / "LICENSE"
    if checkout.is_file():
        return checkout.read_bytes()
    try:
        files = distribution("longhand").files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "LICENSE":
            return Path(str(file.locate())).read_bytes()
    raise UserError("the licence of longhand is not installed with it; install it again")


def third_party(wheels: dict[str, Path]) -> bytes:
    """The licences of the wheels, whole, as each wheel has them; what states none is named as such."""
    parts = ["# Licences of what comes with this bundle", "", "Our own is in `LICENSE`. The weights state theirs in"]
    parts += ["`weights/`. What the host has installed (PyTorch, NumPy and others) is not part of this bundle."]
    for name, path in sorted(wheels.items()):
        parts += ["", f"## {name}", ""]
        with zipfile.ZipFile(path) as archive:
            inside = sorted(entry for entry in archive.namelist() if ".dist-info/" in entry and not entry.endswith("/"))
            metadata = [entry for entry in inside if entry.endswith("/METADATA")]
            stated = _stated_licence(archive.read(metadata[0])) if metadata else None
            parts.append(stated or "States no licence: look it up before this is published.")
            for entry in inside:
                if any(word in Path(entry).name.upper() for word in ("LICENSE", "LICENCE", "COPYING", "NOTICE")):
                    text = archive.read(entry).decode(errors="replace").replace("\r\n", "\n").rstrip()
                    parts += ["", f"### {Path(entry).name}", "", *(f"    {line}".rstrip() for line in text.split("\n"))]
    return ("\n".join(parts) + "\n").encode()


def _stated_licence(metadata: bytes) -> str | None:
    message = email.parser.BytesParser().parsebytes(metadata, headersonly=True)
    for key in ("License-Expression", "License"):
        if message.get(key):
            return f"{key}: {message[key].splitlines()[0]}"
    found = [line for line in message.get_all("Classifier", []) if line.startswith("License ::")]
    return "; ".join(found) or None
