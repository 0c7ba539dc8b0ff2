"""A version on this machine: fetched once, every hash compared, kept under the hash it is known by.

The cache is `~/.cache/longhand/registry/HASH`, or below LONGHAND_CACHE. What is in it may be removed at any time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from longhand.atomic import replacing_directory
from longhand.errors import UserError
from longhand.registry.aliases import Target, resolve
from longhand.registry.contents import read_version_files, sha256
from longhand.registry.reference import Reference
from longhand.registry.store import Store
from longhand.registry.version import DamagedError, read_version
from longhand.runs.manifest import MANIFEST, check_files

CACHE_VARIABLE = "LONGHAND_CACHE"


def fetch(store: Store, wanted: Target | Reference | str) -> Path:
    """The directory of a version on this machine, for `longhand.load`; it is the pushed checkpoint, byte for byte.

    Raises `UserError` if there is no such version, and `DamagedError` if a byte of it is not as it was pushed; nothing
    is left in the cache then.
    """
    target = wanted if isinstance(wanted, Target) else resolve(store, wanted)
    kept = cached(target.sha256)
    if kept is not None:
        return kept
    record = read_version(store, target.name, target.version)
    if record.sha256 != target.sha256:
        raise DamagedError(
            f"{record} in the registry {store.root} is damaged and not used: it has SHA-256 {record.sha256}, and"
            f" {target.sha256} is what was promoted"
        )
    return keep(read_version_files(store, record))


def pull(store: Store, wanted: Target | Reference | str, directory: Path) -> Target:
    """Write a version into a new or empty directory, whole or not at all; raises `UserError` as `fetch` does."""
    target = wanted if isinstance(wanted, Target) else resolve(store, wanted)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UserError(f"{directory} is not empty; name a directory that is not there yet")
    source = fetch(store, target)
    with replacing_directory(directory) as temporary:
        shutil.copytree(source, temporary, dirs_exist_ok=True)
    return target


def cached(digest: str) -> Path | None:
    """The directory in the cache whose manifest has this SHA-256, if it is there and undamaged."""
    directory = _cache() / digest
    try:
        if sha256((directory / MANIFEST).read_bytes()) == digest:
            check_files(directory)
            return directory
    except (OSError, UserError):
        pass
    return None


def keep(files: dict[str, bytes]) -> Path:
    """Put the files of a checkpoint, the manifest among them, into the cache, whole or not at all."""
    digest = sha256(files[MANIFEST])
    place = _cache() / digest
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{digest[:8]}.", suffix=".tmp", dir=place.parent))
        try:
            for name, content in files.items():
                (temporary / name).write_bytes(content)
            temporary.chmod(0o755)
            if cached(digest) is None:  # meanwhile, by somebody else
                shutil.rmtree(place, ignore_errors=True)
                temporary.replace(place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        if cached(digest) is None:
            raise UserError(
                f"cannot write {place}: {error.strerror or error}; {CACHE_VARIABLE} names another place"
            ) from error
    return place


def _cache() -> Path:
    chosen = os.environ.get(CACHE_VARIABLE)
    return (Path(chosen) if chosen else Path.home() / ".cache" / "longhand") / "registry"
