"""The contenders by name, and those a user brings along as a file."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from longhand.bench.spec import Precision
from longhand.errors import UserError

INSTALL = "not installed: pip install longhand[bench]"


@dataclass(frozen=True)
class Contender:
    """A program that can be measured: where its code is, what it can do and how its worker is started."""

    name: str
    module: str  # dotted name, or the path of a file
    kinds: tuple[str, ...]
    precision: Precision = "fp32"
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether it is this package, in whatever setting."""
        return self.module.endswith(".ours")

    def load(self) -> ModuleType:
        """Import the code; raises `ImportError` where a package is missing."""
        if not self.module.endswith(".py"):
            return import_module(self.module)
        spec = importlib.util.spec_from_file_location(Path(self.module).stem, self.module)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def opener(self, kind: str) -> Callable[..., Any]:
        """The function of its code that opens a job of this kind; raises `UserError` if there is none."""
        found = getattr(self.load(), f"{kind}_contender", None)
        if found is None:
            raise UserError(f"{self.module} defines no {kind}_contender(spec)")
        opener: Callable[..., Any] = found
        return opener

    def to_dict(self) -> dict[str, Any]:
        """The contender as JSON data, for its worker."""
        return {"name": self.name, "module": self.module, "kinds": list(self.kinds), "precision": self.precision}


_HERE = "longhand.bench.contenders"
_PLAIN: Mapping[str, str] = {"LONGHAND_NATIVE": "0"}  # without compiled kernels there is the plain PyTorch path only

_KNOWN = (
    Contender("longhand", f"{_HERE}.ours", ("train",), "bf16"),
    Contender("longhand", f"{_HERE}.ours", ("decode", "sweep", "data")),
    Contender("longhand-fp32", f"{_HERE}.ours", ("train",)),
    Contender("longhand-bf16", f"{_HERE}.ours", ("decode",), "bf16"),
    Contender("longhand-reference", f"{_HERE}.ours", ("train", "decode"), environment=_PLAIN),
    Contender("eager", f"{_HERE}.eager", ("train", "decode")),
    Contender("eager-bf16", f"{_HERE}.eager", ("train",), "bf16"),
    Contender("hugging-face", f"{_HERE}.hugging_face", ("train", "decode")),
    Contender("lightning", f"{_HERE}.lightning", ("train",)),
)

OURS = {"train": ("longhand", "longhand-fp32"), "decode": ("longhand", "longhand-bf16")}
"""The contenders every comparison begins with; the first of them is what the others are compared with."""

PEERS = {"train": ("eager", "eager-bf16", "hugging-face", "lightning"), "decode": ("eager", "hugging-face")}
"""Whom they are compared with unless the user says otherwise."""

PEAK = Contender("matrix product", f"{_HERE}.matrix_product", ("peak",))


def known(kind: str) -> dict[str, Contender]:
    """The contenders that can do this, by name."""
    return {contender.name: contender for contender in _KNOWN if kind in contender.kinds}


def choose(kind: str, against: Sequence[str] | None) -> list[Contender]:
    """Ours and those to be compared with it, by name or by the path of a file; None: the usual peers.

    Raises `UserError` for a name that is unknown or cannot do this, and for a file that is not there.
    """
    names = known(kind)
    chosen = {name: names[name] for name in OURS[kind]}
    for name in PEERS[kind] if against is None else against:
        if name.endswith(".py"):
            chosen[name] = _brought_along(Path(name), kind)
        elif name in names:
            chosen[name] = names[name]
        elif any(name == contender.name for contender in _KNOWN):
            raise UserError(f"{name} has no {kind} to compare; choose among {', '.join(names)}, or give a .py file")
        else:
            close = get_close_matches(name, names, n=1)
            remedy = f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}, or give a .py file"
            raise UserError(f"unknown contender {name!r}; {remedy}")
    return list(chosen.values())


def _brought_along(path: Path, kind: str) -> Contender:
    if not path.is_file():
        raise UserError(f"no contender at {path}; give a file that defines {kind}_contender(spec)")
    return Contender(path.stem, str(path.resolve()), (kind,))
