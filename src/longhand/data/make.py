"""Making a data set: a profile, its options, a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from longhand.atomic import replacing_directory
from longhand.data.leaks import LeakCounter, held_out_first
from longhand.data.manifest import MANIFEST, FileEntry, Manifest, read_manifest, write_manifest
from longhand.data.profiles.profile import GeneratedData, Profile, ProfileOptions
from longhand.data.profiles.registry import find_profile
from longhand.data.readers import Shape
from longhand.data.record import Record
from longhand.data.writers import write_records
from longhand.errors import UserError
from longhand.version import __version__


def make_dataset(
    profile: str,
    out_dir: Path | str,
    options: ProfileOptions | Mapping[str, Any] | None = None,
    file_format: Shape | None = None,
    *,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write the files of a profile and their manifest, and return the manifest as JSON data.

    `file_format` is the profile's own for None. The folder appears whole or not at all. Raises `UserError` for an
    unknown profile or option, a folder that is not empty (with `overwrite`: that holds anything but a data set),
    and a disk that cannot be written.
    """
    entry = find_profile(profile)
    chosen = _options(entry, options)
    shape = entry.shape if file_format is None else file_format
    out_dir = Path(out_dir).resolve()
    _refuse_used(out_dir, overwrite)
    data = entry.generate(chosen)
    with replacing_directory(out_dir) as directory:
        files, leaks = _write(directory, data, shape)
        missing = [split for split in data.splits if f"{split}.{shape}" not in files]
        manifest = Manifest(
            longhand_version=__version__,
            profile=profile,
            options=chosen.model_dump(mode="json"),
            seed=getattr(chosen, "seed", None),
            shape=shape,
            format=data.format.to_dict(),
            files=files,
            leaks=leaks,
            warnings=[*data.warnings, *(f"{split} has no rows and no file" for split in missing)],
        )
        write_manifest(directory, manifest)
    return manifest.model_dump(mode="json")


def _options(profile: Profile, options: ProfileOptions | Mapping[str, Any] | None) -> ProfileOptions:
    if isinstance(options, profile.options):
        return options
    if isinstance(options, ProfileOptions):
        raise UserError(f"profile {profile.name} takes {profile.options.__name__}, not {type(options).__name__}")
    try:
        return profile.options.model_validate(dict(options or {}))
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"option {'.'.join(map(str, first['loc']))} {first['input']!r}: {first['msg']}") from error


def _refuse_used(out_dir: Path, overwrite: bool) -> None:
    if out_dir == Path.cwd() or out_dir in Path.cwd().parents:
        raise UserError(f"{out_dir} is where you are; give a data set a folder of its own")
    if not out_dir.exists():
        return
    if not out_dir.is_dir():
        raise UserError(f"{out_dir} is a file; give a data set a folder of its own")
    present = {file.name for file in out_dir.iterdir()}
    if not present:
        return
    if not overwrite:
        raise UserError(f"{out_dir} is not empty; choose another folder, or add --overwrite to replace a data set")
    # Only what a manifest lists may be replaced: nobody's notes are lost with an old data set.
    manifest = read_manifest(out_dir)
    foreign = sorted(present - {MANIFEST, *manifest.files} if manifest else present)
    if foreign:
        raise UserError(f"{out_dir} holds {foreign[0]}, which no manifest of it lists; move that away first")


def _write(
    directory: Path, data: GeneratedData, shape: Shape
) -> tuple[dict[str, FileEntry], dict[str, dict[str, int]]]:
    leaks = LeakCounter()
    files: dict[str, FileEntry] = {}
    for split in held_out_first(data.splits):
        path = directory / f"{split}.{shape}"
        rows = _watched(split, data.splits[split], leaks)
        entry = write_records(path, rows, shape, max_operands=data.max_operands)
        if entry.rows:
            files[path.name] = entry
        else:
            path.unlink()
    ordered = {f"{split}.{shape}": files[f"{split}.{shape}"] for split in data.splits if f"{split}.{shape}" in files}
    return ordered, leaks.report()


def _watched(split: str, records: Iterable[Record], leaks: LeakCounter) -> Iterator[Record]:
    for record in records:
        assert record.problem is not None
        leaks.add(split, record.problem)
        yield record
