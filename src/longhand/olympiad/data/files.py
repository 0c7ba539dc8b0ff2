"""Which local files a data set's path stands for: one file, or the shards of one split in a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from longhand.errors import UserError

FORMATS = (".parquet", ".jsonl")
_SPLIT_NAMES = {
    "train": "train",
    "test": "test",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
}
_SPLIT_WORD = re.compile(r"(?:^|[-_.])(train|test|validation|valid|val)(?=$|[-_.])", flags=re.IGNORECASE)
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://", flags=re.IGNORECASE)


def resolve_files(data: str | Path, split: str | None = None) -> list[Path]:
    """The parquet or jsonl files of a split, in order of their names; `split` None is whatever the path names.

    The split of a file is in its name (`train-00000-of-00002.parquet`) or is that of a folder above it. A split that
    is not there is an error that names those that are; another is never taken in its place. Raises `UserError` also
    for a path that is not there or is on the network, for files of several splits or formats where one has to be
    chosen, and for a folder without files.
    """
    path = _local(data)
    files, root, splits = _found(path)
    named = sorted(name for name in splits if name)
    if split is None:
        if len(splits) > 1:
            choice = " or ".join(named) + (" (some files name none)" if None in splits else "")
            raise UserError(f"{path} has several splits; choose one with --split: {choice}")
    else:
        wanted = _SPLIT_NAMES.get(split.lower(), split)
        if wanted not in named:
            there = f"it has {', '.join(named)}" if named else "its files name no split; leave --split out to read them"
            raise UserError(f"{path} has no split {split}; {there}")
        files = [file for file in files if _split_of(file.relative_to(root)) == wanted]
    _refuse_several_formats(path, files)
    return files


def splits_in(data: str | Path) -> set[str | None]:
    """The splits that a path's files name, None for those that name none; raises what `resolve_files` does."""
    return _found(_local(data))[2]


def _found(path: Path) -> tuple[list[Path], Path, set[str | None]]:
    """All files of a path, the folder they are in, and the splits they name."""
    if path.is_file():
        if path.suffix.lower() not in FORMATS:
            raise UserError(f"{path} is no {' or '.join(FORMATS)} file; convert it, or name the folder it belongs to")
        return [path], path.parent, {_split_of(Path(path.name))}
    try:
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in FORMATS and file.is_file())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    files = [file for file in files if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    if not files:
        raise UserError(f"{path} has no {' or '.join(FORMATS)} files in it")
    return files, path, {_split_of(file.relative_to(path)) for file in files}


def _local(data: str | Path) -> Path:
    text = str(data)
    path = Path(text).expanduser()
    if path.exists():
        return path
    if _REMOTE.match(text):
        raise UserError(
            f"{text} is on the network, and nothing is downloaded; give the path of a local copy with --data"
        )
    if _HUB_ID.fullmatch(text) and not Path(text).parent.exists():
        raise UserError(
            f"there is no folder {text}; if it is the name of a data set on a hub: nothing is downloaded,"
            " so download it and give its path with --data"
        )
    raise UserError(f"there is no file or folder {text}; give the path of parquet or jsonl files with --data")


def _split_of(relative: Path) -> str | None:
    """The split that a path below the data set's folder names, its own name before the folders."""
    for part in (relative.stem, *reversed(relative.parts[:-1])):
        found = _SPLIT_WORD.search(part)
        if found:
            return _SPLIT_NAMES[found[1].lower()]
    return None


def _refuse_several_formats(path: Path, files: Iterable[Path]) -> None:
    formats = {file.suffix.lower() for file in files}
    if len(formats) > 1:
        raise UserError(f"{path} has the same split as {' and '.join(sorted(formats))}; name the files of one")
