"""A folder and a bucket keep the same promises: whole files, created once, exchanged only for what they hold."""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import s3fs
from tests.registry.conftest import on_both

from longhand.errors import UserError
from longhand.registry.local_store import LocalStore
from longhand.registry.store import Store, open_store


@on_both
def test_what_is_created_is_read_and_never_written_over(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.read("a/versions/1/x")
    store.create("a/versions/1/x", b"one")
    with pytest.raises(FileExistsError):
        store.create("a/versions/1/x", b"two")
    assert store.read("a/versions/1/x") == b"one"


@on_both
def test_names_are_those_directly_below(store: Store) -> None:
    assert store.names("") == store.names("a/versions") == []
    for path in ("a/versions/2/x", "a/versions/10/x", "a/aliases/b.json", "b/versions/1/x"):
        store.create(path, b"")
    assert store.names("") == ["a", "b"]
    assert store.names("a") == ["aliases", "versions"]
    assert store.names("a/versions") == ["10", "2"]
    assert store.names("a/versions/2") == ["x"]


@on_both
def test_a_file_is_exchanged_only_for_what_it_holds(store: Store) -> None:
    assert not store.swap("a", b"zero", b"one")
    assert store.swap("a", None, b"one")
    assert not store.swap("a", None, b"two")
    assert not store.swap("a", b"zero", b"two")
    assert store.read("a") == b"one"
    assert store.swap("a", b"one", b"two")
    assert store.read("a") == b"two"


@on_both
def test_of_many_who_write_at_once_each_time_one_succeeds(root: str) -> None:
    n, wins = 3, []

    def add_one() -> None:
        store = open_store(root)
        for _ in range(2):
            while True:
                old = store.read("count")
                if store.swap("count", old, b"%d" % (int(old) + 1)):
                    break
        try:
            store.create("once", b"")
            wins.append(True)
        except FileExistsError:
            pass

    open_store(root).create("count", b"0")
    threads = [threading.Thread(target=add_one) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert open_store(root).read("count") == b"%d" % (2 * n)
    assert wins == [True]


def test_a_folder_without_hard_links_keeps_the_promises_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    store = LocalStore(tmp_path / "r")
    test_what_is_created_is_read_and_never_written_over(store)
    assert os.listdir(tmp_path / "r" / "a" / "versions" / "1") == ["x"]  # noqa: PTH208


def test_a_folder_that_cannot_be_written_or_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = LocalStore(tmp_path / "file" / "r")
    for act in (lambda: store.create("a", b""), lambda: store.swap("a", None, b""), lambda: store.names("a")):
        with pytest.raises(UserError, match=r"cannot .*file"):
            act()
    with pytest.raises(UserError, match="cannot read"):
        LocalStore(tmp_path).read(".")


@pytest.mark.parametrize("url", ["gs://models/x", "http://models", "s3://", "file:///models"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(UserError, match=url):
        open_store(url)


def test_the_address_is_that_of_the_variable_and_else_a_folder_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_store().root == "registry"
    monkeypatch.setenv("LONGHAND_REGISTRY", "elsewhere")
    assert open_store().root == "elsewhere"
    assert open_store("here").root == "here"


def test_s3_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(UserError, match=r"pip install 'longhand\[s3\]'"):
        open_store("s3://models/x")


def test_a_bucket_that_is_not_there_and_a_server_that_is_not_there(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store("s3://nowhere/x")
    for act in (lambda: store.names(""), lambda: store.read("a"), lambda: store.create("a", b"")):
        with pytest.raises(UserError, match="no such bucket"):
            act()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    s3fs.S3FileSystem.clear_instance_cache()  # a process speaks to one server
    with pytest.raises(UserError, match="cannot read s3://models/x/a: "):
        open_store("s3://models/x").read("a")
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize("ignored", ["mode", "IfMatch"])
def test_a_server_that_does_not_check_conditions_is_refused(
    s3: Any, ignored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = open_store(f"s3://models/ignores-{ignored}")
    pipe = store._files.pipe_file

    def ignore(path: str, content: bytes, **conditions: str) -> None:
        conditions.pop(ignored, None)
        pipe(path, content, **conditions)

    monkeypatch.setattr(store._files, "pipe_file", ignore)

    def write() -> None:
        store.create("a", b"one")
        store.swap("a", b"one", b"two")

    with pytest.raises(UserError, match="without checking"):
        write()
