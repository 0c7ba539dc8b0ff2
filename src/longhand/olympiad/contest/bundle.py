"""Everything a notebook without internet needs to take part, in one folder: code, weights, wheels, licences, hashes."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longhand.atomic import replacing_directory, replacing_file
from longhand.errors import UserError
from longhand.olympiad.contest.bundle_contents import licence_text, model_files, sources, third_party, wheel_files
from longhand.olympiad.contest.bundle_manifest import MANIFEST, files_in, is_bundle, verify, write_bundle_manifest
from longhand.olympiad.contest.deterministic_zip import write_zip
from longhand.olympiad.contest.secret_scan import BINARY_BYTES, Secret, secrets_in
from longhand.olympiad.selection import SELECTORS

COMPETITION = "ai-mathematical-olympiad-progress-prize-3"
SOURCES, WEIGHTS, WHEELS, SETTINGS, NOTEBOOK = "longhand-src.zip", "weights", "wheels", "contest.json", "notebook.py"
ARITHMETIC = "longhand.olympiad.contest.arithmetic:load"

Files = dict[str, Path | bytes]
"""What a bundle holds, by relative path with slashes: a file that is there, or its content."""


@dataclass(frozen=True)
class BundleSpec:
    """What to pack, and as whose.

    `model` is a model's directory, packed whole; `solver` what `Predictor` loads ("module:function"), called with
    `model`, the path of the weights, and `arguments`; `memory_bytes` is what it may hold. `selector`, one of
    `SELECTORS`, chooses from its candidates. `wheels` is a folder of wheels for what the host does not have. `username`
    and `name` are those of the data set at Kaggle, `licence` as Kaggle calls it. `allow` names files of the bundle
    whose secrets are known to be none.
    """

    model: Path
    username: str
    name: str = "longhand-contest"
    title: str = "longhand contest"
    solver: str = ARITHMETIC
    arguments: Mapping[str, Any] = field(default_factory=dict)
    wheels: Path | None = None
    licence: str = "apache-2.0"
    memory_bytes: int | None = None
    selector: str = SELECTORS[0]
    gpu: bool = False
    allow: Collection[str] = ()

    def __post_init__(self) -> None:
        for key, value in (("username", self.username), ("name", self.name)):
            if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{1,48}[a-z0-9])", value):
                raise UserError(f"{key} = {value!r} is none at Kaggle: 3 to 50 small letters, digits and hyphens")
        if not 6 <= len(self.title) <= 50:
            raise UserError(f"title = {self.title!r} has {len(self.title)} characters; Kaggle takes 6 to 50")

    @property
    def dataset(self) -> str:
        """The data set's name at Kaggle."""
        return f"{self.username}/{self.name}"


def pack(spec: BundleSpec, out: Path, zip_file: Path | None = None) -> list[str]:
    """Write the bundle into the folder `out`, and as one archive for an upload by hand; returns the files' names.

    The same contents give the same bytes, wherever and whenever. `out` is a new folder, or a bundle that nobody changed
    since, which is replaced; `zip_file` is new or the archive of a bundle. Raises `UserError` for anything else there,
    for a model without weights or tokenizer, and for secrets, naming file and line; nothing is written then.
    """
    _check_place(out, spec)
    if zip_file is not None:
        _check_archive(zip_file, out)
    files = collect(spec)
    refuse_secrets(files, spec.allow)
    with replacing_directory(out) as temporary:
        for name, content in sorted(files.items()):
            target = temporary / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                target.write_bytes(content)
            else:
                shutil.copyfile(content, target)
        write_bundle_manifest(temporary)
    if zip_file is not None:
        with replacing_file(zip_file) as temporary:
            write_zip(temporary, {name: out / name for name in [*files_in(out), MANIFEST]})
    return files_in(out)


def collect(spec: BundleSpec) -> Files:
    """Everything that goes into a bundle but its manifest."""
    code = io.BytesIO()
    package = sources()
    write_zip(code, {f"longhand/{name}": path for name, path in package.items()})
    files: Files = {f"{WEIGHTS}/{name}": path for name, path in model_files(spec.model).items()}
    wheels = {} if spec.wheels is None else wheel_files(spec.wheels)
    files |= {f"{WHEELS}/{name}": path for name, path in wheels.items()}
    settings = {
        "solver": spec.solver,
        "arguments": dict(spec.arguments),
        "memory_bytes": spec.memory_bytes,
        "selector": spec.selector,
    }
    files |= {
        SOURCES: code.getvalue(),
        NOTEBOOK: package["olympiad/contest/notebook.py"],
        SETTINGS: _json(settings),
        "dataset-metadata.json": _json(_dataset_metadata(spec)),
        "kernel-metadata.json": _json(_kernel_metadata(spec)),
        "LICENSE": licence_text(),
        "THIRD_PARTY_LICENSES.md": third_party(wheels),
    }
    return files


def refuse_secrets(files: Files, allow: Collection[str] = ()) -> None:
    """Raise `UserError` with file and line of what looks like a secret; archives are looked into."""
    found: list[Secret] = []
    for name, content in sorted(files.items()):
        if name not in allow:
            found += _secrets_of(name, content)
    found = [secret for secret in found if secret.path not in allow]
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        places = ", ".join(map(str, found[:3]))
        raise UserError(f"secrets are not packed: {places}{more}; remove them (nothing was written)")


def _secrets_of(name: str, content: Path | bytes) -> list[Secret]:
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    if name.endswith((".zip", ".whl")) and zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            inner = [(entry.filename, archive.read(entry)) for entry in archive.infolist() if not entry.is_dir()]
        return [secret for path, text in inner for secret in secrets_in(f"{name}/{path}", text)]
    if isinstance(content, bytes):
        return list(secrets_in(name, content))
    with content.open("rb") as file:
        head = file.read(BINARY_BYTES)
        rest = b"" if b"\0" in head[:8192] else file.read()
    return list(secrets_in(name, head + rest))


def _check_place(out: Path, spec: BundleSpec) -> None:
    """Raise `UserError` unless `out` may be written: it is new, or a bundle just as it was packed."""
    place = out.resolve()
    for other in (spec.model, spec.wheels):
        if other is not None and place.is_relative_to(other.resolve()):
            raise UserError(f"{out} lies in {other}, which is to be packed; name a folder elsewhere")
    if not out.exists() and not out.is_symlink():
        return
    if out.is_symlink() or not out.is_dir() or not (out / MANIFEST).is_file():
        raise UserError(f"{out} is there already and no bundle; name a new folder (nothing was written)")
    verify(out, whole=False)


def _check_archive(path: Path, out: Path) -> None:
    if path.resolve().is_relative_to(out.resolve()):
        raise UserError(f"{path} lies in {out}, which it is to be the archive of; name a file elsewhere")
    if not path.exists():
        return
    try:
        with zipfile.ZipFile(path) as archive:
            ours = is_bundle(archive.read(MANIFEST))
    except (OSError, KeyError, zipfile.BadZipFile):
        ours = False
    if not ours:
        raise UserError(f"{path} is there already and no archive of a bundle; name a new file (nothing was written)")


def _dataset_metadata(spec: BundleSpec) -> dict[str, Any]:
    return {
        "title": spec.title,
        "id": spec.dataset,
        "licenses": [{"name": spec.licence}],
        "keywords": ["mathematics"],
    }


def _kernel_metadata(spec: BundleSpec) -> dict[str, Any]:
    return {
        "id": f"{spec.username}/{spec.name}-notebook",
        "title": f"{spec.name} notebook",
        "code_file": NOTEBOOK,
        "language": "python",
        "kernel_type": "script",
        "is_private": True,
        "enable_gpu": spec.gpu,
        "enable_internet": False,
        "dataset_sources": [spec.dataset],
        "competition_sources": [COMPETITION],
        "kernel_sources": [],
        "model_sources": [],
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
