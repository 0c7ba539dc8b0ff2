"""A registry in a dictionary, for laws that are tried on hundreds of registries."""

from __future__ import annotations

from collections.abc import Callable


class MemoryStore:
    """Files by path; `before_reading` and `before_writing` are called first, and may do or raise anything."""

    def __init__(self) -> None:
        self.root = "memory"
        self.files: dict[str, bytes] = {}
        self.before_reading: Callable[[str], None] = lambda path: None
        self.before_writing: Callable[[str], None] = lambda path: None

    def read(self, path: str) -> bytes:
        self.before_reading(path)
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    def create(self, path: str, content: bytes) -> None:
        self.before_writing(path)
        if path in self.files:
            raise FileExistsError(path)
        self.files[path] = content

    def swap(self, path: str, old: bytes | None, new: bytes) -> bool:
        self.before_writing(path)
        if self.files.get(path) != old:
            return False
        self.files[path] = new
        return True

    def names(self, folder: str) -> list[str]:
        start = f"{folder}/" if folder else ""
        return sorted({path[len(start) :].split("/")[0] for path in self.files if path.startswith(start)})
