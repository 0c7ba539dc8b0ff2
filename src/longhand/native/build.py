"""Compile the C++ sources into one shared library per instruction set.

    python -m longhand.native.build [--all]

The installation calls this file by its path, before the package exists, so it imports the standard library alone.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

SOURCES = Path(__file__).parent / "cpp"
LIBRARIES = Path(__file__).parent / "lib"

_FLAGS = (
    "-O3",
    "-std=c++17",
    "-fPIC",
    "-fvisibility=hidden",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fopenmp-simd",
)
_WIDE = ("-mprefer-vector-width=512",)
_V4_FEATURES = frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx2", "fma", "bmi2"})


class InstructionSet(NamedTuple):
    """What to compile for, and the features (as in /proc/cpuinfo) a processor needs to run it."""

    name: str
    options: tuple[str, ...]
    needs: frozenset[str] = frozenset()


_X86 = (
    InstructionSet(
        "x86_64_v4bf16", ("-march=x86-64-v4", "-mavx512bf16", "-mavx512vnni", *_WIDE), _V4_FEATURES | {"avx512_bf16"}
    ),
    InstructionSet("x86_64_v4", ("-march=x86-64-v4", *_WIDE), _V4_FEATURES),
    InstructionSet("x86_64_v3", ("-march=x86-64-v3",), frozenset({"avx2", "fma", "bmi2", "f16c"})),
    InstructionSet("generic", ()),
)


def instruction_sets() -> tuple[InstructionSet, ...]:
    """Those this machine's architecture knows, the fastest first."""
    is_x86 = platform.machine().lower() in ("x86_64", "amd64") and sys.platform.startswith("linux")
    return _X86 if is_x86 else _X86[-1:]


def best_instruction_sets() -> tuple[InstructionSet, ...]:
    """Those this very processor can run, the fastest first."""
    features = cpu_features()
    return tuple(kind for kind in instruction_sets() if kind.needs <= features)


def library_path(kind: InstructionSet) -> Path:
    """Where the library for this instruction set lies, whether built or not."""
    return LIBRARIES / f"liblonghand_{kind.name}.so"


def sources_digest() -> str:
    """SHA-256 of all sources and of how they are compiled; a library carries the one it was built from."""
    digest = hashlib.sha256(repr((_FLAGS, [kind.options for kind in _X86])).encode())
    for path in sorted(SOURCES.iterdir()):
        if path.suffix in (".cpp", ".h"):
            digest.update(f"{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def build(kinds: Sequence[InstructionSet]) -> list[Path]:
    """Compile the libraries that are missing or out of date; returns their paths.

    Raises `RuntimeError` without a compiler, and with the compiler's words when it fails.
    """
    compiler = os.environ.get("CXX") or next((c for c in ("g++", "clang++", "c++") if shutil.which(c)), None)
    if compiler is None:
        raise RuntimeError("no C++ compiler was found (g++, clang++, c++, or the one the variable CXX names)")
    LIBRARIES.mkdir(exist_ok=True)
    digest = sources_digest()
    return [_build(kind, compiler, digest) for kind in kinds]


def _build(kind: InstructionSet, compiler: str, digest: str) -> Path:
    target = library_path(kind)
    if target.exists() and digest.encode() in target.read_bytes():
        return target
    options = [compiler, *_FLAGS, *kind.options, f'-DLONGHAND_SOURCES="{digest}"']
    with tempfile.TemporaryDirectory(dir=LIBRARIES) as folder:
        linked = Path(folder) / target.name

        def compile_one(source: Path) -> str:
            made = Path(folder) / f"{source.stem}.o"
            _run([*options, "-c", str(source), "-o", str(made)])
            return str(made)

        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            objects = list(pool.map(compile_one, sorted(SOURCES.glob("*.cpp"))))
        _run([compiler, "-shared", *objects, "-o", str(linked)])
        linked.replace(target)  # at once: a process that loads it meanwhile keeps the old one
    return target


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")


def cpu_features() -> frozenset[str]:
    """What the processor can do, in the words of /proc/cpuinfo; nothing where there is no such file."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return frozenset()
    line = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), "")
    return frozenset(line.partition(":")[2].split())


def main() -> None:
    """Build for this processor, or with --all for every processor of its architecture."""
    parser = argparse.ArgumentParser(description="Compile the native kernels.")
    parser.add_argument("--all", action="store_true", help="for every instruction set, not only this processor's best")
    arguments = parser.parse_args()
    try:
        for path in build(instruction_sets() if arguments.all else best_instruction_sets()[:1]):
            print(path)
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
