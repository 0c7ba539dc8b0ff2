"""What goes into a build: all that COPY needs, and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath

import pytest
from deploy.dockerfile import parse
from deploy.dockerignore import Ignored, context

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("patterns", "path", "left_out"),
    [
        ("", "a", False),
        ("*", "a/b", True),
        ("*\n!a", "a/b/c", False),
        ("*\n!a\na/b", "a/b/c", True),
        ("*\n!a\na/b", "a/bc", False),
        ("# a\n", "# a", False),
        ("*.txt", "a.txt", True),
        ("*.txt", "b/a.txt", False),
        ("**/*.txt", "b/c/a.txt", True),
        ("**/*.txt", "a.txt", True),
        ("a/**", "a/b/c", True),
        ("?.txt", "ab.txt", False),
        ("/a/", "a/b", True),
        ("!a\n*", "a", True),
        ("a.c", "abc", False),
    ],
)
def test_the_last_pattern_that_matches_decides(patterns: str, path: str, left_out: bool) -> None:
    assert Ignored(patterns)(PurePosixPath(path)) is left_out


@pytest.fixture(scope="module")
def seen() -> list[PurePosixPath]:
    return list(context(ROOT))


def test_everything_that_is_copied_is_there(seen: list[PurePosixPath]) -> None:
    copies = [step for stage in parse((ROOT / "Dockerfile").read_text(encoding="utf-8")) for step in stage.instructions]
    sources = [
        word for step in copies if step.name == "COPY" and "from" not in step.flags for word in step.text.split()[:-1]
    ]
    assert sources
    for source in map(PurePosixPath, sources):
        assert any(source in (path, *path.parents) for path in seen), source
    wanted = ["pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "src/longhand/native/cpp/decode.cpp"]
    wanted += ["src/longhand/serving/app.py", "models/add-sub-3/model.safetensors", "configs/demo.yaml"]
    assert set(map(PurePosixPath, wanted)) <= set(seen)


def test_every_tracked_file_of_the_package_goes_in_and_of_the_rest_only_what_the_wheel_is_made_of(
    seen: list[PurePosixPath],
) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "src", "models", "configs"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:  # an unpacked archive has no list
        tracked = set(map(PurePosixPath, listed.stdout.splitlines()))
        below = {path for path in seen if path.parts[0] in ("src", "models", "configs")}
        assert tracked - below == set()
    assert {path.parts[0] for path in seen} == {
        *("LICENSE", "README.md", "configs", "constraints.txt", "hatch_build.py", "models", "pyproject.toml", "src")
    }


def test_nothing_compiled_here_and_nothing_hidden_gets_in(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_bytes((ROOT / ".dockerignore").read_bytes())
    left_out = [
        *("src/longhand/native/lib/liblonghand_generic.so", "src/longhand/__pycache__/app.cpython-311.pyc"),
        *("src/longhand.egg-info/PKG-INFO", ".env", ".git/config", "tests/test_core.py", "runs/demo/config.json"),
        *("registry/add/versions/1/model.safetensors", "configs/.secret", "docs/deploy.md", "data/train.csv"),
    ]
    for name in (*left_out, "src/longhand/app.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert [str(path) for path in context(tmp_path)] == ["src/longhand/app.py"]
