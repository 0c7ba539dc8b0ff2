"""`longhand registry`: versions of models that never change, and aliases that say which one is in use."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from longhand.cli.arguments import Parser, add_model_argument
from longhand.errors import UserError

if TYPE_CHECKING:
    from longhand.registry.reference import Reference
    from longhand.registry.store import Store

_EPILOG = """\
examples:
  longhand registry push runs/demo --name add-sub --alias production
  longhand registry list
  longhand solve add-sub@production "951+11="
  longhand registry promote add-sub:2
  longhand registry rollback add-sub
  longhand registry verify --registry s3://models/longhand

The registry is a folder or s3://BUCKET/PATH: --registry, else LONGHAND_REGISTRY, else registry/ here. All commands that
take a MODEL take NAME@ALIAS and NAME:VERSION too.
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb and those below it to the command line."""
    parser = verbs.add_parser(
        "registry", help="keep versions of models, and say which is in use", epilog=_EPILOG,
        description="Keep versions of models that never change, under names, with every file's SHA-256; let aliases\n"
        "such as production name one of them, and put them back.",
    )  # fmt: skip
    _add_root(parser, default=None)
    below = parser.add_subparsers(dest="registry_verb", metavar="COMMAND", required=True)

    push = _add(below, "push", _push, "make a checkpoint the next version of a name")
    add_model_argument(push)
    push.add_argument("--name", required=True, metavar="NAME", help="the name it is a version of")
    push.add_argument("--alias", metavar="A", help="also let this alias name it")
    push.add_argument("--note", default="", metavar="TEXT", help="a remark to keep with it")

    list_ = _add(below, "list", _list, "all models, or the versions of one")
    list_.add_argument("name", nargs="?", metavar="NAME", help="the model [all]")
    list_.add_argument("--json", action="store_true", help="print one JSON object a line")

    show = _add(below, "show", _show, "a model with the history of its aliases, or one version")
    show.add_argument("reference", metavar="NAME[@ALIAS|:VERSION]", help="the model or version")
    show.add_argument("--json", action="store_true", help="print one JSON object")

    promote = _add(below, "promote", _promote, "let an alias name a version, which is read and checked first")
    promote.add_argument(
        "reference", metavar="NAME:VERSION", help="the version; NAME@ALIAS is the one that alias names"
    )
    _add_alias(promote)

    rollback = _add(below, "rollback", _rollback, "undo the last change of an alias; again: undo that")
    rollback.add_argument("name", metavar="NAME", help="the model")
    _add_alias(rollback)

    verify = _add(below, "verify", _verify, "read everything and compare every hash; exit code 1 if something is wrong")
    verify.add_argument("reference", nargs="?", metavar="NAME[:VERSION]", help="the model or version [all]")

    pull = _add(below, "pull", _pull, "copy a version into a new directory, byte for byte")
    pull.add_argument("reference", metavar="NAME@ALIAS|NAME:VERSION", help="the version")
    pull.add_argument("directory", type=Path, metavar="DIRECTORY", help="where to write it")


def _add(
    below: argparse._SubParsersAction[Parser], name: str, act: Callable[[argparse.Namespace, Store], int], text: str
) -> Parser:
    parser = below.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    _add_root(parser, default=argparse.SUPPRESS)  # may be said on either side of the verb
    parser.set_defaults(run=lambda arguments: _run(arguments, act))
    return parser


def _add_root(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--registry", default=default, metavar="PATH|URL",
        help="folder or s3://BUCKET/PATH [LONGHAND_REGISTRY, else registry/]",
    )  # fmt: skip


def _add_alias(parser: argparse.ArgumentParser) -> None:
    from longhand.registry.reference import PRODUCTION

    parser.add_argument("--alias", default=PRODUCTION, metavar="A", help=f"the alias [{PRODUCTION}]")


def _run(arguments: argparse.Namespace, act: Callable[[argparse.Namespace, Store], int]) -> int:
    from longhand.registry.store import open_store

    return act(arguments, open_store(arguments.registry))


def _push(arguments: argparse.Namespace, store: Store) -> int:
    from longhand.registry.aliases import promote
    from longhand.registry.find import find_model
    from longhand.registry.push import push
    from longhand.registry.reference import check_alias, check_name

    check_name(arguments.name)
    if arguments.alias is not None:
        check_alias(arguments.alias)
    pushed = push(store, find_model(arguments.model), arguments.name, note=arguments.note)
    version = pushed.version
    if pushed.is_new:
        print(f"pushed {version} to {store.root}: {version.total_bytes:,} bytes, SHA-256 {version.sha256}")
    else:
        print(f"nothing to push: {version} in {store.root} is this checkpoint")
    if arguments.alias is not None:
        promote(store, arguments.name, version.version, arguments.alias)
        print(f"{arguments.name}@{arguments.alias} is {version}")
    return 0


def _list(arguments: argparse.Namespace, store: Store) -> int:
    from longhand.cli.registry_views import print_versions

    if arguments.name is not None:
        _require(_only_name(arguments.name, "list"), store)
    return print_versions(store, arguments.name, as_json=arguments.json)


def _show(arguments: argparse.Namespace, store: Store) -> int:
    from longhand.cli.registry_views import print_model, print_version
    from longhand.registry.aliases import resolve
    from longhand.registry.version import read_version

    reference = _parse(arguments.reference)
    if reference.alias is None and reference.version is None:
        _require(reference.name, store)
        return print_model(store, reference.name, as_json=arguments.json)
    target = resolve(store, reference)
    return print_version(store, read_version(store, target.name, target.version), as_json=arguments.json)


def _promote(arguments: argparse.Namespace, store: Store) -> int:
    from longhand.registry.aliases import promote, resolve
    from longhand.registry.reference import check_alias

    check_alias(arguments.alias)
    target = resolve(store, _parse(arguments.reference))
    alias = promote(store, target.name, target.version, arguments.alias)
    _say(alias.name, alias.alias, alias.version, alias.history[-1].previous)
    return 0


def _rollback(arguments: argparse.Namespace, store: Store) -> int:
    from longhand.registry.aliases import rollback

    alias = rollback(store, _only_name(arguments.name, "rollback"), arguments.alias)
    _say(alias.name, alias.alias, alias.version, alias.history[-1].previous)
    return 0


def _say(name: str, alias: str, version: int, previous: int | None) -> None:
    before = "" if previous is None else f"; before it was {name}:{previous}"
    print(f"{name}@{alias} is {name}:{version}{before}")


def _verify(arguments: argparse.Namespace, store: Store) -> int:
    from longhand.registry.aliases import resolve
    from longhand.registry.verify import verify

    name = version = None
    if arguments.reference is not None:
        reference = _parse(arguments.reference)
        name, version = reference.name, reference.version
        if reference.alias is not None:
            version = resolve(store, reference).version
    found = wrong = 0
    for finding in verify(store, name, version):
        found += 1
        wrong += bool(finding.problems)
        for problem in finding.problems:
            print(f"{finding.subject}: wrong: {problem}")
        if not finding.problems:
            print(f"{finding.subject}: {finding.remark}")
    print(f"{store.root}: {wrong or 'nothing'} wrong of {found} examined")
    return 1 if wrong else 0


def _pull(arguments: argparse.Namespace, store: Store) -> int:
    from longhand.registry.fetch import pull

    target = pull(store, _parse(arguments.reference), arguments.directory)
    print(f"wrote {target} to {arguments.directory}")
    return 0


def _parse(text: str) -> Reference:
    from longhand.registry.reference import parse_reference

    return parse_reference(text)


def _only_name(text: str, verb: str) -> str:
    reference = _parse(text)
    if str(reference) != reference.name:
        raise UserError(f"{verb} takes the name of a model alone, {reference.name}, not {text}")
    return reference.name


def _require(name: str, store: Store) -> None:
    from longhand.registry.version import require_name

    require_name(store, name)
