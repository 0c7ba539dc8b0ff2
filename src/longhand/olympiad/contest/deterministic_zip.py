"""Archives that are the same to the byte wherever and whenever they are made."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

_EARLIEST = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


def write_zip(path: Path | BinaryIO, files: Mapping[str, Path | bytes]) -> None:
    """Write files by name, in the order of their names: one date, one set of permissions, nothing compressed.

    What is not compressed does not depend on the version of a compressor; weights would hardly shrink.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system, entry.external_attr = _UNIX, 0o100644 << 16
            content = files[name]
            if isinstance(content, bytes):
                archive.writestr(entry, content)
                continue
            entry.file_size = content.stat().st_size
            with content.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, 1 << 20)
