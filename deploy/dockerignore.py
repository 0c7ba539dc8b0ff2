"""Which files of a folder an engine gets to see: all but those that .dockerignore leaves out.

Patterns are those of https://docs.docker.com/build/concepts/context/#dockerignore-files: `*` and `?` within a name,
`**` over several, `!` lets in again, and the last pattern that matches a file or a folder above it decides.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


class Ignored:
    """The patterns of a .dockerignore."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        self._rules = [_rule(line) for line in lines if line and not line.startswith("#")]

    def __call__(self, path: PurePosixPath) -> bool:
        """Whether a path below the folder is left out."""
        names = [path, *path.parents][:-1]
        left_out = False
        for pattern, lets_in in self._rules:
            if any(pattern.fullmatch(str(name)) for name in names):
                left_out = not lets_in
        return left_out


def context(folder: Path) -> Iterator[PurePosixPath]:
    """The files of a folder, relative to it and sorted, that its .dockerignore lets in; links are files."""
    ignore_file = folder / ".dockerignore"
    ignored = Ignored(ignore_file.read_text(encoding="utf-8") if ignore_file.exists() else "")
    # A folder that is left out may have something in it that is let in again, so that all are looked through; but
    # none of these, which are large and no pattern could mean.
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in links and name not in (".git", ".venv"))
        for name in sorted([*files, *links]):
            path = PurePosixPath((here / name).relative_to(folder).as_posix())
            if not ignored(path):
                yield path


def _rule(line: str) -> tuple[re.Pattern[str], bool]:
    lets_in = line.startswith("!")
    pattern = line.removeprefix("!").strip().strip("/")
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meaning = {"**/": r"(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part) or re.escape(part) for part in parts)), lets_in
