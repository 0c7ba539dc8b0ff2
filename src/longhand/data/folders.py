"""The files of a data set, and which split each of them is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from longhand.data.manifest import MANIFEST, Manifest, read_manifest
from longhand.data.readers import iter_records, sniff
from longhand.data.record import Record
from longhand.errors import UserError
from longhand.text.formats import Format

SUFFIXES = (".csv", ".jsonl", ".json", ".txt", ".tsv")
SPLIT_NAMES: Mapping[str, str] = {
    "train": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val", "test": "test",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The files of a data set by split, in the order train, val, test; `all` is a single file without splits."""

    path: Path
    files: Mapping[str, Path]
    manifest: Manifest | None

    @property
    def format(self) -> Format | None:
        """How its rows are written, where its manifest says so."""
        return None if self.manifest is None else Format.from_dict(self.manifest.format)

    def records(self, split: str) -> Iterator[Record]:
        """The rows of one split, in the order of the file."""
        return iter_records(self.files[split], self.format)


def open_folder(path: Path | str) -> DataFolder:
    """Find the files of a data set: `train`, `val`, `test` in one shape, or one file of any name.

    A path to a file is a data set of that one file. Raises `UserError` for a folder that is missing, empty, or a
    mixture of shapes.
    """
    path = Path(path)
    if path.is_file():
        manifest = read_manifest(path.parent)
        listed = manifest is not None and path.name in manifest.files
        return DataFolder(path.parent, {"all": path}, manifest if listed else None)
    if not path.is_dir():
        raise UserError(f"there is no data set at {path}; make one with: longhand data make --out {path}")
    candidates = sorted(file for file in path.iterdir() if file.is_file() and file.suffix in SUFFIXES)
    named = [file for file in candidates if file.stem in SPLIT_NAMES]
    others = [file for file in candidates if file not in named and file.name not in (MANIFEST, "metadata.json")]
    if not named and len(others) == 1:
        return DataFolder(path, {"all": others[0]}, read_manifest(path))
    if not named:
        found = f"; it holds {', '.join(file.name for file in others[:3])}" if others else ""
        raise UserError(f"{path} has no train, val or test file in csv, jsonl, json or txt{found}")
    files: dict[str, Path] = {}
    for file in named:
        twin = files.setdefault(SPLIT_NAMES[file.stem], file)
        if twin is not file:
            raise UserError(f"{path} is mixed: {twin.name} and {file.name} are the same split; remove one")
    _refuse_mixture(path, list(files.values()))
    order = ["train", "val", "test"]
    return DataFolder(path, {split: files[split] for split in order if split in files}, read_manifest(path))


def _refuse_mixture(path: Path, files: list[Path]) -> None:
    first, *others = files
    for file in others:
        if file.suffix != first.suffix or sniff(file) != sniff(first):
            raise UserError(
                f"{path} is mixed: {first.name} holds {sniff(first)} and {file.name} {sniff(file)}; "
                "keep one shape and one suffix per folder"
            )
