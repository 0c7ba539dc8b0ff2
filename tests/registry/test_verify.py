"""Everything that is not as it was pushed is found, and nothing else."""

from __future__ import annotations

import json

import pytest
from tests.registry.conftest import Checkpoints, Spoil, on_both

from longhand.errors import UserError
from longhand.registry.aliases import promote
from longhand.registry.push import push
from longhand.registry.store import Store
from longhand.registry.verify import verify


@pytest.fixture
def two(store: Store, checkpoints: Checkpoints) -> Store:
    """A registry with two versions, of which the first is in production."""
    for number in (1, 2):
        push(store, checkpoints(number), "add")
    promote(store, "add", 1)
    return store


def wrong(store: Store, *which: object) -> dict[str, str]:
    return {found.subject: "; ".join(found.problems) for found in verify(store, *which) if found.problems}  # type: ignore[arg-type]


@on_both
def test_what_was_pushed_is_right(two: Store) -> None:
    assert [found.subject for found in verify(two)] == ["add:1", "add:2", "add@production"]
    assert wrong(two) == wrong(two, "add") == wrong(two, "add", 2) == {}
    for which in (("sub",), ("add", 3), ("sub", 1)):
        with pytest.raises(UserError, match=r"no model sub|no version 3"):
            wrong(two, *which)


def test_every_changed_byte_is_found(two: Store, spoil: Spoil) -> None:
    for name in two.names("add/versions/2"):
        path = f"add/versions/2/{name}"
        original = two.read(path)
        for content in (original[:-3] + b"?" + original[-2:], original[:-3], None):
            spoil(path, content)
            found = wrong(two)
            if name == "version.json" and content is None:
                assert found == {}  # then it is no version: see below
            else:
                assert found.keys() == {"add:2"}, (name, content)
                assert name in found["add:2"]
        spoil(path, original)
    assert wrong(two) == {}


def test_all_that_is_wrong_with_a_version_is_said(two: Store, spoil: Spoil) -> None:
    spoil("add/versions/1/config.json", b"{}")
    spoil("add/versions/1/README.md", None)
    found = wrong(two)
    assert found.keys() == {"add:1"}
    assert "README.md is missing; config.json has 2 bytes" in found["add:1"]


def test_a_push_that_was_not_finished_is_nothing_wrong_unless_it_is_named(two: Store, spoil: Spoil) -> None:
    spoil("add/versions/2/version.json", None)
    assert wrong(two) == {}
    assert "not a version" in next(found.remark for found in verify(two) if found.subject == "add:2")
    spoil("add/versions/1/version.json", None)
    assert wrong(two) == wrong(two, "add") == {"add@production": "it names version 1, which is not there"}


def test_a_file_that_nobody_pushed_is_found(two: Store, spoil: Spoil) -> None:
    spoil("add/versions/1/evil.bin", b"")
    assert wrong(two) == {"add:1": "evil.bin lies there and was not pushed"}


@pytest.mark.parametrize(
    ("key", "value"),
    [("parameters", 1), ("architecture", "gpt9"), ("metrics", {"loss": 0.0}), ("commit", None), ("certificate", None),
     ("certificate", {"kind": "windows", "claim": "for all numbers whatever"})],
)  # fmt: skip
def test_a_record_that_says_more_than_the_files_is_found(two: Store, spoil: Spoil, key: str, value: object) -> None:
    record = json.loads(two.read("add/versions/1/version.json"))
    spoil("add/versions/1/version.json", json.dumps({**record, "facts": {**record["facts"], key: value}}).encode())
    assert wrong(two) == {"add:1": f"version.json says something else of its {key} than the files"}


def test_an_alias_that_names_what_is_not_there_is_found(two: Store, spoil: Spoil) -> None:
    path = "add/aliases/production.json"
    original = json.loads(two.read(path))
    change = original["history"][0]
    for version, digest, message in (
        (7, change["sha256"], "version 7, which is not there"),
        (2, change["sha256"], "another SHA-256"),
    ):
        edited = {**change, "version": version, "sha256": digest}
        spoil(path, json.dumps({**original, "version": version, "history": [edited]}).encode())
        assert message in wrong(two)["add@production"]
    spoil(path, b"{}")
    assert "production.json is damaged" in wrong(two)["add@production"]
