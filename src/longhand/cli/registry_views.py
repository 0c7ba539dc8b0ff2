"""What `longhand registry list` and `show` print."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from longhand.cli.output import console, print_json

if TYPE_CHECKING:
    from longhand.registry.store import Store
    from longhand.registry.version import VersionRecord


def print_versions(store: Store, name: str | None, *, as_json: bool) -> int:
    """Print all versions, or those of one model, with the aliases that name them; 1 if a record is damaged."""
    from longhand.registry.aliases import alias_names, resolve
    from longhand.registry.reference import Reference
    from longhand.registry.version import DamagedError, model_names, versions

    records: list[tuple[VersionRecord, list[str]]] = []
    damaged: list[str] = []
    for model in model_names(store) if name is None else [name]:
        named: dict[int, list[str]] = {}
        for alias in alias_names(store, model):
            try:
                named.setdefault(resolve(store, Reference(model, alias=alias)).version, []).append(alias)
            except DamagedError as error:
                damaged.append(str(error))
        for record in versions(store, model):
            if isinstance(record, DamagedError):
                damaged.append(str(record))
            else:
                records.append((record, named.get(record.version, [])))
    if as_json:
        for record, aliases in records:
            print_json({**record.model_dump(mode="json"), "aliases": aliases})
    elif records:
        _print_table(records)
    else:
        print(f"the registry {store.root} has no models; push one: longhand registry push MODEL --name NAME")
    for line in damaged:
        print(_printable(line), file=sys.stderr)
    return 1 if damaged else 0


def print_model(store: Store, name: str, *, as_json: bool) -> int:
    """Print a model's versions and the history of its aliases."""
    from longhand.registry.aliases import alias_names, read_alias

    aliases = [read_alias(store, name, alias) for alias in alias_names(store, name)]
    if as_json:
        from longhand.registry.version import DamagedError, versions

        found = [record for record in versions(store, name) if not isinstance(record, DamagedError)]
        print_json(
            {
                "name": name,
                "versions": [record.model_dump(mode="json") for record in found],
                "aliases": [alias.model_dump(mode="json") for alias in aliases],
            }
        )
        return 0
    code = print_versions(store, name, as_json=False)
    for alias in aliases:
        print(f"\n{name}@{alias.alias} is {name}:{alias.version}")
        for change in alias.history:
            before = "" if change.previous is None else f", was {change.previous}"
            print(f"  {change.at}  {change.action} to {change.version}{before}")
    return code


def print_version(store: Store, record: VersionRecord, *, as_json: bool) -> int:
    """Print what there is to know of one version."""
    from longhand.registry.aliases import alias_names, read_alias

    if as_json:
        print_json(record.model_dump(mode="json"))
        return 0
    aliases = [
        a for a in alias_names(store, record.name) if read_alias(store, record.name, a).version == record.version
    ]
    proof = record.facts.certificate
    rows = {
        "version": str(record),
        "aliases": ", ".join(aliases),
        "created": record.created,
        "note": record.note,
        "architecture": record.facts.architecture,
        "parameters": f"{record.facts.parameters:,}",
        "bytes": f"{record.total_bytes:,}",
        "SHA-256": record.sha256,
        "proved": "" if proof is None else f"{proof.kind}: {proof.claim}",
        "trained by": record.facts.commit or "",
        **{f"measured {key}": text for key, text in _flat(record.facts.metrics).items()},
    }
    width = max(map(len, rows))
    for key, text in rows.items():
        if text:
            print(f"{key:<{width}}  {_printable(text)}")
    return 0


def _print_table(records: list[tuple[VersionRecord, list[str]]]) -> None:
    table = Table(box=None, pad_edge=False)
    numbers = ("parameters", "right")
    for column in ("version", "aliases", "parameters", "right", "proved", "created", "note"):
        table.add_column(column, justify="right" if column in numbers else "left", no_wrap=True)
    for record, aliases in records:
        proof = record.facts.certificate
        cells = [
            str(record),
            ", ".join(aliases),
            f"{record.facts.parameters:,}",
            _right(record.facts.metrics),
            "" if proof is None else proof.kind,
            record.created.partition("T")[0],
            record.note,
        ]
        table.add_row(*(Text(_printable(cell)) for cell in cells))
    terminal = console()
    # A version is a line, however wide: cut to the width of a terminal, or to 80 columns in a pipe, it is of no use.
    terminal.width = terminal.measure(table, options=terminal.options.update_width(1_000)).maximum
    terminal.print(table)


def _right(metrics: Mapping[str, Any]) -> str:
    """How much was right when all was asked, else of what was held out."""
    whole = metrics.get("exhaustive")
    if isinstance(whole, Mapping) and {"correct", "total"} <= whole.keys():
        return f"{whole['correct']:,} of {whole['total']:,}"
    share = metrics.get("val_exact_match")
    return f"{share:.2%} of held out" if isinstance(share, int | float) else ""


def _flat(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    rows: dict[str, str] = {}
    for key, value in metrics.items():
        rows |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": str(value)}
    return rows


def _printable(text: str) -> str:
    """Text of others, without what a terminal would take for a command."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
