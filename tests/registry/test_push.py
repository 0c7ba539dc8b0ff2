"""A checkpoint becomes a version whole or not at all, once, and comes back byte for byte."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.registry.conftest import Checkpoints, Spoil, bytes_of, on_both
from tests.registry.memory_store import MemoryStore

from longhand.errors import UserError
from longhand.registry.fetch import fetch, pull
from longhand.registry.push import push
from longhand.registry.store import Store, open_store
from longhand.registry.verify import verify
from longhand.registry.version import VersionRecord, model_names, numbers, read_version, versions
from longhand.runs.checkpoint import load_checkpoint, save_checkpoint
from longhand.runs.manifest import file_sha256, write_manifest
from longhand.shipped import model_path
from longhand.solvers.load import load


def sound(store: Store) -> bool:
    return not any(finding.problems for finding in verify(store))


def records(store: Store, name: str) -> list[VersionRecord]:
    found = [*versions(store, name)]
    assert all(isinstance(record, VersionRecord) for record in found)
    return found  # type: ignore[return-value]


@on_both
def test_versions_are_numbered_and_say_what_they_are(store: Store, checkpoints: Checkpoints) -> None:
    assert model_names(store) == []
    first, second = push(store, checkpoints(1), "add"), push(store, checkpoints(2), "add", note="the ✓ second")
    assert first.is_new
    assert [str(record) for record in records(store, "add")] == ["add:1", "add:2"]
    assert read_version(store, "add", 2) == second.version
    version = second.version
    assert version.note == "the ✓ second"
    assert version.sha256 == file_sha256(checkpoints(2) / "manifest.json")
    assert version.total_bytes == sum(map(len, bytes_of(checkpoints(2)).values()))
    assert version.facts.parameters == 13_368
    assert version.facts.metrics["number"] == 2
    assert version.facts.certificate is not None
    assert version.facts.certificate.kind == "windows"
    assert version.facts.certificate.claim.startswith("for all whole numbers")
    assert version.facts.commit == json.loads((checkpoints(2) / "training.json").read_text())["commit"]
    assert sound(store)


@on_both
def test_what_is_pulled_is_what_was_pushed_byte_for_byte(
    store: Store, checkpoints: Checkpoints, tmp_path: Path, cache: Path
) -> None:
    push(store, checkpoints(1), "add")
    pull(store, "add:1", tmp_path / "pulled")
    assert bytes_of(tmp_path / "pulled") == bytes_of(checkpoints(1))
    (kept,) = cache.iterdir()
    assert bytes_of(kept) == bytes_of(checkpoints(1))
    assert load(fetch(store, "add:1")).solve(["9+1="])[0].answer == "10"


plain_names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)


@settings(max_examples=25)
@given(st.dictionaries(plain_names, st.binary(max_size=50), max_size=4))
def test_whatever_files_a_checkpoint_has_all_of_them_come_back(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = shutil.copytree(model_path("certified-add-3"), Path(folder) / "model")
        own = {path.name.lower() for path in model.iterdir()} | {"version.json"}
        for name, content in files.items():
            if name.lower() not in own:  # which some file systems take for the same file
                (model / name).write_bytes(content)
                own.add(name.lower())
        (model / "manifest.json").unlink()
        write_manifest(model)
        store = MemoryStore()
        push(store, model, "add")
        (model / "not in the manifest").write_text("")  # and so no part of the checkpoint
        pull(store, "add:1", Path(folder) / "pulled")
        assert bytes_of(Path(folder) / "pulled") == {
            name: content for name, content in bytes_of(model).items() if name != "not in the manifest"
        }


@on_both
def test_the_same_checkpoint_is_the_same_version(store: Store, checkpoints: Checkpoints) -> None:
    first = push(store, checkpoints(1), "add")
    push(store, checkpoints(2), "add")
    again = push(store, checkpoints(1), "add", note="again")
    assert not again.is_new
    assert again.version == first.version
    assert len(records(store, "add")) == 2
    assert push(store, checkpoints(1), "other").version.version == 1


def test_what_is_damaged_in_the_store_is_pushed_anew(store: Store, checkpoints: Checkpoints, spoil: Spoil) -> None:
    for number in (1, 2):
        push(store, checkpoints(number), "add")
    spoil("add/versions/1/config.json", b"{}")
    spoil("add/versions/2/version.json", b"{")
    anew = push(store, checkpoints(1), "add")
    assert (anew.is_new, anew.version.version) == (True, 3)


def test_a_run_stands_for_its_model(store: Store, checkpoints: Checkpoints, tmp_path: Path) -> None:
    shutil.copytree(checkpoints(1), tmp_path / "run" / "model")
    assert push(store, tmp_path / "run", "add").version.sha256 == file_sha256(checkpoints(1) / "manifest.json")


def test_what_is_no_whole_finished_model_is_refused_and_nothing_written(
    store: Store, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    damaged = shutil.copytree(checkpoints(1), tmp_path / "damaged")
    (damaged / "README.md").write_text("other")
    state = tmp_path / "state"
    save_checkpoint(state, load_checkpoint(checkpoints(1)), write_state=lambda at: (at / "x").write_text("") and None)
    deep = shutil.copytree(checkpoints(1), tmp_path / "deep")
    (deep / "more").mkdir()
    (deep / "more" / "x").write_text("")
    (deep / "manifest.json").unlink()
    write_manifest(deep)
    for model, message in {
        damaged: "README.md is truncated",
        state: "is a state of a run; push the model the run ends with",
        deep: "'more/x', which is no plain name",
        checkpoints(1) / "model.safetensors": "is a file; push the checkpoint directory",
        tmp_path / "nowhere": "no checkpoint at",
    }.items():
        with pytest.raises(UserError, match=message):
            push(store, model, "add")
    with pytest.raises(UserError, match="cannot be the name of a model"):
        push(store, checkpoints(1), "../add")
    assert store.names("") == []


@pytest.mark.parametrize("stop", range(10))
def test_a_push_that_stops_anywhere_is_no_version_and_in_nobodys_way(stop: int) -> None:
    store, first, other = MemoryStore(), model_path("certified-add-3"), model_path("certified-signed-3")
    writes = 0

    def fail(path: str) -> None:
        nonlocal writes
        writes += 1
        if writes > stop:
            raise KeyboardInterrupt

    store.before_writing = fail
    with pytest.raises(KeyboardInterrupt):
        push(store, first, "add")
    store.before_writing = lambda path: None
    assert model_names(store) == []
    assert [*versions(store, "add")] == []
    assert sound(store)
    # Another checkpoint takes a number of its own; the same one goes on where the first push stopped.
    assert push(store, other, "add").version.version == (2 if stop else 1)
    assert push(store, first, "add").version.version == (1 if stop else 2)
    assert [str(record) for record in records(store, "add")] == ["add:1", "add:2"]
    assert sound(store)


# Kills the process at its n-th write: in a folder when the file has no name yet, on S3 before it is sent.
DIES = """
import os, signal, sys
from pathlib import Path
from longhand.registry.push import push
from longhand.registry.store import open_store

root, model, at = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
store = open_store(root)
home, name = (Path, "hardlink_to") if "://" not in root else (store._files, "pipe_file")
write, writes = getattr(home, name), 0

def dying(*arguments, **settings):
    global writes
    writes += 1
    if writes == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(*arguments, **settings)

setattr(home, name, dying)
push(store, model, "add")
"""


@on_both
def test_a_push_that_is_killed_between_files_is_no_version_and_in_nobodys_way(
    root: str, checkpoints: Checkpoints
) -> None:
    killed = subprocess.run([sys.executable, "-c", DIES, root, str(checkpoints(1)), "4"], check=False)
    assert killed.returncode == -signal.SIGKILL
    store = open_store(root)
    assert model_names(store) == []
    assert numbers(store, "add") == [1]
    assert sound(store)
    assert push(store, checkpoints(2), "add").version.version == 2
    assert push(store, checkpoints(1), "add").version.version == 1
    assert sound(store)


PUSHES = """
import sys
from pathlib import Path
from longhand.registry.push import push
from longhand.registry.store import open_store

root, me, models = sys.argv[1], sys.argv[2], [Path(name) for name in sys.argv[3:]]
store = open_store(root)
print("ready", flush=True)
sys.stdin.readline()
for model in models:
    print(push(store, model, "add", note=me).version.version, flush=True)
"""


@on_both
def test_two_processes_that_push_at_once_lose_nothing_and_mix_nothing(root: str, checkpoints: Checkpoints) -> None:
    shares = {"a": [1, 9, 2], "b": [3, 9, 4]}  # 9 is pushed by both
    pushers = [
        subprocess.Popen(
            [sys.executable, "-c", PUSHES, root, me, *(str(checkpoints(number)) for number in share)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for me, share in shares.items()
    ]  # fmt: skip
    for pusher in pushers:
        assert pusher.stdout is not None
        assert pusher.stdout.readline() == "ready\n"
    for pusher in pushers:
        assert pusher.stdin is not None
        pusher.stdin.write("\n")
        pusher.stdin.flush()
    said = [[int(word) for word in pusher.communicate()[0].split()] for pusher in pushers]
    assert [pusher.returncode for pusher in pushers] == [0, 0]
    store = open_store(root)
    found = {record.facts.metrics["number"]: record.version for record in records(store, "add")}
    assert sorted(found) == [1, 2, 3, 4, 9]
    assert sorted(found.values()) == [1, 2, 3, 4, 5]
    assert said == [[found[number] for number in share] for share in shares.values()]
    assert sound(store)
