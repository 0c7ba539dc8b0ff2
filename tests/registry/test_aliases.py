"""An alias names one version, remembers what it named, and two changes at once are both kept."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.registry.conftest import Checkpoints, Spoil, flipped, on_both
from tests.registry.memory_store import MemoryStore

from longhand.errors import UserError
from longhand.registry.aliases import alias_names, promote, read_alias, resolve, rollback
from longhand.registry.push import push
from longhand.registry.reference import Reference, names_a_version, parse_reference
from longhand.registry.store import Store, open_store
from longhand.registry.version import DamagedError


@pytest.fixture
def three(store: Store, checkpoints: Checkpoints) -> Store:
    """A registry with three versions of one model."""
    for number in (1, 2, 3):
        push(store, checkpoints(number), "add")
    return store


@on_both
def test_an_alias_is_promoted_and_put_back(three: Store) -> None:
    assert promote(three, "add", 1).version == 1
    assert resolve(three, "add@production") == resolve(three, "add:1")
    promote(three, "add", 3)
    assert resolve(three, "add@production") == resolve(three, "add:3")
    assert rollback(three, "add").version == 1
    assert rollback(three, "add").version == 3
    promote(three, "add", 2, "staging")
    assert resolve(three, "add@production").version == 3
    assert alias_names(three, "add") == ["production", "staging"]
    history = read_alias(three, "add", "production").history
    assert [(change.action, change.previous, change.version) for change in history] == [
        ("promote", None, 1), ("promote", 1, 3), ("rollback", 3, 1), ("rollback", 1, 3),
    ]  # fmt: skip


@on_both
def test_another_process_sees_the_change_at_once(root: str, three: Store) -> None:
    promote(three, "add", 1)
    asking = open_store(root)
    assert resolve(asking, "add@production").version == 1
    promote(three, "add", 2)
    assert resolve(asking, "add@production").version == 2


def test_an_alias_file_can_be_read_by_people(three: Store) -> None:
    promote(three, "add", 1)
    promote(three, "add", 2)
    content = json.loads(three.read("add/aliases/production.json"))
    assert (content["name"], content["alias"], content["version"]) == ("add", "production", 2)
    assert content["sha256"] == resolve(three, "add:2").sha256
    assert [change["version"] for change in content["history"]] == [1, 2]


@pytest.fixture(scope="module")
def registry_of_four(checkpoints: Checkpoints) -> MemoryStore:
    store = MemoryStore()
    for number in (1, 2, 3, 4):
        push(store, checkpoints(number), "add")
    return store


@settings(max_examples=40)
@given(st.lists(st.sampled_from([None, 1, 2, 3, 4]), max_size=8), st.integers(1, 4))
def test_promote_and_rollback_undo_each_other(
    registry_of_four: MemoryStore, changes: list[int | None], then: int
) -> None:
    store = MemoryStore()
    store.files = dict(registry_of_four.files)
    now, before = None, None
    for version in changes:
        if version is None:
            if before is None:
                with pytest.raises(UserError):
                    rollback(store, "add")
                continue
            now, before = before, now
            rollback(store, "add")
        else:
            if version != now:
                now, before = version, now
            promote(store, "add", version)
        assert resolve(store, "add@production").version == now
    if now is not None and then != now:
        promote(store, "add", then)
        rollback(store, "add")
        assert resolve(store, "add@production").version == now
        rollback(store, "add")
        assert resolve(store, "add@production").version == then


def meanwhile(store: MemoryStore, act: Callable[[], object]) -> None:
    """Do something while the version that an alias is to name is read, as another process may."""

    def once(path: str) -> None:
        if path.endswith("manifest.json"):
            store.before_reading = lambda path: None
            act()

    store.before_reading = once


def test_of_two_promotions_at_once_both_are_in_the_history(registry_of_four: MemoryStore) -> None:
    store = MemoryStore()
    store.files = dict(registry_of_four.files)
    meanwhile(store, lambda: promote(store, "add", 2))
    promote(store, "add", 3)
    assert [change.version for change in read_alias(store, "add", "production").history] == [2, 3]


def test_a_rollback_that_meets_another_change_asks_to_look_again(registry_of_four: MemoryStore) -> None:
    store = MemoryStore()
    store.files = dict(registry_of_four.files)
    for version in (1, 2):
        promote(store, "add", version)
    meanwhile(store, lambda: rollback(store, "add"))
    # Both saw that 2 is bad. To undo the other's rollback would bring it back.
    with pytest.raises(UserError, match="changed by somebody else"):
        rollback(store, "add")
    assert resolve(store, "add@production").version == 1


def test_a_damaged_version_is_not_promoted(three: Store, spoil: Spoil) -> None:
    promote(three, "add", 1)
    spoil("add/versions/2/model.safetensors", flipped(three.read("add/versions/2/model.safetensors")))
    with pytest.raises(DamagedError, match=r"add:2 .*model.safetensors has SHA-256"):
        promote(three, "add", 2)
    promote(three, "add", 3)
    spoil("add/versions/1/README.md", None)
    with pytest.raises(DamagedError, match=r"add:1 .*README.md is missing"):
        rollback(three, "add")
    assert resolve(three, "add@production").version == 3


def test_another_checkpoint_under_the_number_of_an_old_one_is_not_gone_back_to(
    three: Store, registry_of_four: MemoryStore, spoil: Spoil
) -> None:
    for version in (1, 2):
        promote(three, "add", version)
    for path, content in registry_of_four.files.items():  # its fourth in the place of our first, as a whole
        if path.startswith("add/versions/4/"):
            spoil(path.replace("/4/", "/1/"), content)
    record = json.loads(three.read("add/versions/1/version.json"))
    spoil("add/versions/1/version.json", changed(json.dumps(record).encode(), version=1))
    for act in (lambda: rollback(three, "add"), lambda: promote(three, "add", 1)):
        with pytest.raises(DamagedError, match="not what add@production named before"):
            act()
    assert promote(three, "add", 1, "staging").version == 1


def test_what_is_not_there_is_said_with_what_is(three: Store) -> None:
    promote(three, "add", 1)
    for reference, message in {
        "sub@production": r"no model sub .*there: add.*registry push",
        "sub:1": r"no model sub .*there: add.*registry push",
        "add:4": r"no version 4 .*it has 1, 2, 3",
        "add@staging": r"no alias staging .*there: production.*registry promote",
        "add": r"add names no version; write add@production or add:1",
    }.items():
        with pytest.raises(UserError, match=message):
            resolve(three, reference)
    with pytest.raises(UserError, match="nothing to go back to"):
        rollback(three, "add")
    with pytest.raises(UserError, match="no alias staging"):
        rollback(three, "add", "staging")
    with pytest.raises(UserError, match="no version 4"):
        promote(three, "add", 4)
    with pytest.raises(UserError, match="'3' cannot be an alias"):
        promote(three, "add", 1, "3")


def changed(content: bytes, **values: object) -> bytes:
    return json.dumps({**json.loads(content), **values}).encode()


def test_an_alias_file_that_was_edited_is_refused(three: Store, spoil: Spoil) -> None:
    promote(three, "add", 1)
    path = "add/aliases/production.json"
    original = three.read(path)
    for content in (
        b"",
        b"{" * 100_000,
        b"[1]",
        changed(original, version=2),
        changed(original, history=[]),
        changed(original, sha256="../../evil"),
        changed(original, name="sub"),
        changed(original, format_version=2),
    ):
        spoil(path, content)
        for act in (lambda: resolve(three, "add@production"), lambda: promote(three, "add", 3)):
            with pytest.raises(DamagedError, match=r"production\.json"):
                act()
        assert three.read(path) == content


@given(
    st.from_regex(r"[a-z0-9][a-z0-9._-]{0,30}", fullmatch=True),
    st.one_of(st.none(), st.integers(1, 999_999_999), st.from_regex(r"[a-z][a-z0-9._-]{0,30}", fullmatch=True)),
)
def test_a_reference_is_read_as_it_is_written(name: str, rest: int | str | None) -> None:
    is_alias = isinstance(rest, str)
    reference = Reference(name, alias=rest if is_alias else None, version=None if is_alias else rest)  # type: ignore[arg-type]
    assert parse_reference(str(reference)) == reference
    assert names_a_version(str(reference)) == (rest is not None)


@given(st.text(alphabet="aA1.-_@:/\\ \n\x00é", max_size=8))
def test_a_reference_is_plain_or_refused(text: str) -> None:
    try:
        reference = parse_reference(text)
    except UserError:
        assert not names_a_version(text)
        return
    assert str(reference) == text or reference.version is not None
    assert not set(text) & set("/\\ \n\x00éA")
    assert not text.startswith((".", "-", "_", "@", ":"))
