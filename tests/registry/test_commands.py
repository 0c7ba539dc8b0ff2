"""`longhand registry` and the commands that take `NAME@ALIAS` and `NAME:VERSION` for a model."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.registry.conftest import Checkpoints, Spoil, bytes_of, flipped, on_both

from longhand.cli.main import main
from longhand.registry.store import open_store

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command and return its exit code, its output and its error output."""

    def command(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


@pytest.fixture
def registry(run: Run, root: str) -> Run:
    """Run a command of `longhand registry` on the registry of the test; it is done, and nothing is complained of."""

    def command(*words: object, code: int = 0) -> tuple[int, str, str]:
        result = run("registry", *words, "--registry", root)
        assert (result[0], result[2]) == (code, "")
        return result

    return command


def refused(result: tuple[int, str, str], *fragments: str) -> None:
    code, out, error = result
    assert (code, out) == (2, "")
    assert len(error.strip().splitlines()) == 1, error
    assert error.startswith("longhand: ")
    for fragment in fragments:
        assert fragment in error


@on_both
def test_a_model_is_pushed_promoted_put_back_verified_and_pulled(
    registry: Run, run: Run, root: str, checkpoints: Checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, out, _ = registry("push", checkpoints(1), "--name", "add", "--alias", "production", "--note", "the first")
    assert f"pushed add:1 to {root}: " in out
    assert "add@production is add:1\n" in out
    _, out, _ = registry("push", checkpoints(1), "--name", "add")
    assert out == f"nothing to push: add:1 in {root} is this checkpoint\n"
    registry("push", checkpoints(2), "--name", "add")
    assert registry("promote", "add:2")[1] == "add@production is add:2; before it was add:1\n"
    assert registry("rollback", "add")[1] == "add@production is add:1; before it was add:2\n"
    assert registry("promote", "add:2", "--alias", "staging")[1] == "add@staging is add:2\n"
    assert registry("promote", "add@staging")[1] == "add@production is add:2; before it was add:1\n"
    assert registry("verify")[1].splitlines()[-1] == f"{root}: nothing wrong of 4 examined"
    assert "add:2" in registry("verify", "add@staging")[1]
    assert registry("pull", "add:1", tmp_path / "pulled")[1] == f"wrote add:1 to {tmp_path / 'pulled'}\n"
    assert bytes_of(tmp_path / "pulled") == bytes_of(checkpoints(1))
    monkeypatch.setenv("LONGHAND_REGISTRY", root)
    assert run("solve", "add@production", "951+11=")[:2] == (0, "951+11=962   correct   (certified)\n")


def test_list_and_show_say_what_there_is(registry: Run, checkpoints: Checkpoints) -> None:
    assert "has no models; push one" in registry("list")[1]
    registry("push", checkpoints(1), "--name", "add", "--alias", "production", "--note", "[bold]first\x1b[31m")
    registry("push", checkpoints(2), "--name", "add", "--alias", "production")
    registry("push", checkpoints(2), "--name", "sub")
    header, *lines = registry("list")[1].splitlines()
    assert header.split() == ["version", "aliases", "parameters", "right", "proved", "created", "note"]
    assert [line.split()[0] for line in lines] == ["add:1", "add:2", "sub:1"]
    assert "production" in lines[1]
    assert "13,368" in lines[0]
    assert "100.00% of held out" in lines[0]
    assert "windows" in lines[0]
    assert lines[0].rstrip().endswith("[bold]first\N{REPLACEMENT CHARACTER}[31m")
    assert len(registry("list", "sub")[1].splitlines()) == 2
    rows = [json.loads(line) for line in registry("list", "--json")[1].splitlines()]
    assert [(row["name"], row["version"], row["aliases"]) for row in rows] == [
        ("add", 1, []), ("add", 2, ["production"]), ("sub", 1, []),
    ]  # fmt: skip

    shown = registry("show", "add")[1]
    assert "add@production is add:2" in shown
    assert "promote to 2, was 1" in shown
    assert json.loads(registry("show", "add", "--json")[1])["aliases"][0]["version"] == 2
    shown = registry("show", "add@production")[1]
    for fact in ("add:2", "production", "13,368", rows[1]["sha256"], "windows: for all whole numbers", "number"):
        assert fact in shown
    assert {**json.loads(registry("show", "add:2", "--json")[1]), "aliases": ["production"]} == rows[1]


def test_what_is_damaged_is_said_by_every_command(
    registry: Run, run: Run, root: str, checkpoints: Checkpoints, spoil: Spoil, cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    registry("push", checkpoints(1), "--name", "add", "--alias", "production")
    registry("push", checkpoints(2), "--name", "add")
    weights = "add/versions/1/model.safetensors"
    spoil(weights, flipped(open_store(root).read(weights)))
    _, out, _ = registry("verify", code=1)
    assert "add:1: wrong: model.safetensors has SHA-256" in out
    assert out.splitlines()[-1] == f"{root}: 1 wrong of 3 examined"
    assert registry("verify", "add:2")[0] == 0
    monkeypatch.setenv("LONGHAND_REGISTRY", root)
    for words in (("solve", "add@production", "1+1="), ("registry", "pull", "add:1", "pulled")):
        refused(run(*words), "add:1", "is damaged and not used: model.safetensors has SHA-256")
    assert not cache.exists()
    assert not Path("pulled").exists()

    spoil("add/versions/2/version.json", b"{")
    code, out, error = run("registry", "list")
    assert code == 1
    assert "add:1" in out
    assert "add:2" in error
    assert "version.json" in error


def test_mistakes_are_one_line_and_nothing_is_written(
    run: Run, checkpoints: Checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = shutil.copytree(checkpoints(1), tmp_path / "damaged")
    (damaged / "config.json").write_bytes(flipped((damaged / "config.json").read_bytes()))
    before = sorted(tmp_path.rglob("*"))
    for words, fragments in {
        ("push", damaged, "--name", "add"): ["config.json", "was changed"],
        ("push", "nowhere", "--name", "add"): ["no model at nowhere"],
        ("push", checkpoints(1)): ["--name", "longhand registry push --help"],
        ("push", checkpoints(1), "--name", "Add"): ["'Add' cannot be the name of a model"],
        ("push", checkpoints(1), "--name", "../add"): ["'../add'"],
        ("push", checkpoints(1), "--name", "add", "--alias", "No"): ["'No' cannot be an alias"],
        ("push", "add:1", "--name", "add"): ["no model add in the registry registry"],
        ("list", "add"): ["no model add in the registry registry", "registry push MODEL --name add"],
        ("list", "add:1"): ["list takes the name of a model alone, add"],
        ("show", "add"): ["no model add"],
        ("show", "add:1"): ["no model add"],
        ("show", "add:0"): ["'0' is not a number from 1 on"],
        ("show", "add@"): ["'' cannot be an alias"],
        ("show", "a/b"): ["'a/b' cannot be the name of a model"],
        ("promote", "add"): ["write add@production or add:1"],
        ("promote", "add:1"): ["no model add"],
        ("promote", "add:1", "--alias", "1"): ["'1' cannot be an alias"],
        ("rollback", "add"): ["no model add"],
        ("rollback", "add@staging"): ["rollback takes the name of a model alone"],
        ("verify", "add"): ["no model add"],
        ("verify", "add:1"): ["no model add"],
        ("pull", "add:1", "out"): ["no model add"],
        ("pull", "add", "out"): ["write add@production or add:1"],
        ("remove", "add:1"): ["remove", "longhand registry --help"],
        (): ["longhand registry --help"],
        ("list", "--registry", "gs://models"): ["gs://models cannot be a registry"],
    }.items():
        refused(run("registry", *words), *fragments)
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "file").write_text("")
    refused(run("registry", "--registry", "file", "push", checkpoints(1), "--name", "add"), "cannot", "file")


def test_the_page_of_the_registry_runs_as_it_is_written(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "registry.md").read_text(encoding="utf-8")
    commands, *_ = re.findall(r"^```bash\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    for line in commands.splitlines():
        program, *words = shlex.split(line)
        code, _, error = run(*words)
        assert (program, code) == ("longhand", 0), (line, error)
    block, *_ = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    capsys.readouterr()
    exec(block, {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"^print\(.*\)  # (.*)$", block, flags=re.MULTILINE)


def test_every_command_that_takes_a_model_takes_a_version(
    registry: Run, run: Run, root: str, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    registry("push", checkpoints(1), "--name", "add", "--alias", "production")
    monkeypatch.setenv("LONGHAND_REGISTRY", root)
    (tmp_path / "suite.jsonl").write_text('{"prompt": "9+1=", "target": "10"}\n')
    monkeypatch.setattr("sys.stdin", io.StringIO("9+1=\n"))
    commands = [
        ("solve", "add:1", "951+11="),
        ("evaluate", "add@production", "--suite", "suite.jsonl"),
        ("info", "add@production"),
        ("vocab", "add@production", "1+1="),
        ("certify", "add:1", "--check"),
        ("repl", "add@production"),
        ("registry", "push", "add:1", "--name", "copy"),
    ]
    for words in commands:
        code, out, error = run(*words)
        assert code == 0, (words, error)
        assert out
        refused(run(*(word.replace("add@production", "add@none").replace("add:1", "add:9") for word in words)), "add")
    # What writes into the directory of a model needs one that may change.
    for words in (("certify", "add@production"), ("evaluate", "add:1", "--record")):
        refused(run(*words), "never changes", f"longhand registry pull {words[1]} DIRECTORY")
    assert registry("verify")[0] == 0
