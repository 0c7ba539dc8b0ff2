"""Where the configurations and models that come with longhand lie, in a checkout and in an installed package."""

from __future__ import annotations

from pathlib import Path

from longhand.errors import UserError

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


def config_path(name: str | Path) -> Path:
    """Return the file of a configuration given as a path or by the name of a shipped one (`demo`)."""
    return _find(Path(name), "configs", suffix=".yaml", kind="configuration")


def model_path(name: str | Path) -> Path:
    """Return the directory of a model given as a path or by the name of a shipped one; a file of weights is itself.

    The model of a run lies in `model` below it, which need not be said of its file (`RUN/model.safetensors`).
    """
    path = Path(name)
    if not path.exists() and (path.parent / "model" / path.name).is_file():
        return path.parent / "model" / path.name
    return _find(Path(name), "models", suffix="", kind="model")


def shipped_names(folder: str) -> list[str]:
    """Return the names of everything shipped in `folder` (`configs` or `models`), sorted."""
    home = _home(folder)
    if home is None:
        return []
    wanted = [entry for entry in home.iterdir() if entry.is_dir() or entry.suffix == ".yaml"]
    return sorted(entry.stem for entry in wanted)


def _find(given: Path, folder: str, *, suffix: str, kind: str) -> Path:
    if given.exists():
        return given
    home = _home(folder)
    if home is not None and given.parent in (Path(), Path(folder)):
        shipped = home / f"{given.name.removesuffix(suffix)}{suffix}"
        if shipped.exists():
            return shipped
    names = ", ".join(shipped_names(folder)) or "none"
    raise UserError(f"no {kind} at {given}, and none of that name is shipped (shipped: {names})")


def _home(folder: str) -> Path | None:
    # A wheel carries the folders inside the package; a checkout has them beside src/.
    for home in (_PACKAGE / "shipped_files" / folder, _CHECKOUT / folder):
        if home.is_dir():
            return home
    return None
