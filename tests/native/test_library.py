"""The native library is found when it fits, and nothing breaks when it does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from longhand.native import build

HAS_COMPILER = any(shutil.which(name) for name in ("g++", "clang++", "c++"))
_CODE = """
from pathlib import Path
from longhand.native import build, library
build.LIBRARIES = Path({folder!r})
print(library.load() is not None, library.status())
"""


def status_of(folder: Path, **environment: str) -> str:
    """What a new process says of the libraries in a folder."""
    code = _CODE.format(folder=str(folder))
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_environment_can_do_without_it(tmp_path: Path) -> None:
    assert status_of(tmp_path, LONGHAND_NATIVE="0") == "False none (LONGHAND_NATIVE is 0)"


def test_what_was_not_compiled_is_said_with_the_remedy(tmp_path: Path) -> None:
    assert "not compiled; with a C++ compiler, run python -m longhand.native.build" in status_of(tmp_path)


@pytest.mark.skipif(not HAS_COMPILER, reason="no C++ compiler")
def test_it_is_built_once_found_and_refused_when_its_sources_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One small source is enough to see all of it.
    sources, libraries = tmp_path / "cpp", tmp_path / "lib"
    sources.mkdir()
    for name in ("export.h", "sources.cpp"):
        shutil.copy(build.SOURCES / name, sources)
    monkeypatch.setattr(build, "SOURCES", sources)
    monkeypatch.setattr(build, "LIBRARIES", libraries)
    kinds = build.best_instruction_sets()[:1]
    (path,) = build.build(kinds)
    built = path.stat().st_mtime_ns
    assert build.build(kinds) == [path]
    assert path.stat().st_mtime_ns == built
    assert list(libraries.iterdir()) == [path]
    # Those sources are not the package's own, as after an edit.
    assert "was built from other sources" in status_of(libraries)
    (sources / "sources.cpp").write_text("this is no C++")
    with pytest.raises(RuntimeError, match="failed"):
        build.build(kinds)
    assert path.stat().st_mtime_ns == built


def test_a_library_that_is_none_is_none(tmp_path: Path) -> None:
    build_for = build.best_instruction_sets()[0]
    (tmp_path / f"liblonghand_{build_for.name}.so").write_bytes(b"no library")
    assert "cannot be loaded" in status_of(tmp_path)


def test_without_a_compiler_building_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LIBRARIES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(RuntimeError, match=r"no C\+\+ compiler was found"):
        build.build(build.instruction_sets())


def test_every_processor_can_run_something() -> None:
    assert build.instruction_sets()[-1].needs == frozenset()
    assert set(build.best_instruction_sets()) <= set(build.instruction_sets())


def test_the_digest_depends_on_sources_alone() -> None:
    code = "from longhand.native.build import sources_digest; print(sources_digest())"
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert digests == {build.sources_digest() + "\n"}
