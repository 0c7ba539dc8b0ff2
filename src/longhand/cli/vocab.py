"""`longhand vocab`: show the tokens of a vocabulary, or how a text is spelled in it."""

from __future__ import annotations

import argparse
from pathlib import Path

from longhand.cli.arguments import Parser, add_output_file
from longhand.cli.output import print_table, write_result


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "vocab", help="show a vocabulary",
        description="Show the tokens of a vocabulary with their ids and roles, or spell texts in it.",
        epilog='example:\n  longhand vocab cot16 "99+21=<think>9+1=10 9+2+1=12</think>120<end>"',
    )  # fmt: skip
    parser.add_argument("name", metavar="NAME", help="a preset, or the directory of a model; `list` names the presets")
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="texts to encode and decode again")
    add_output_file(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the vocabulary, or the ids of the given texts."""
    from longhand.registry.find import find_model
    from longhand.registry.reference import names_a_version
    from longhand.text.presets import VOCABULARIES, vocabulary

    if arguments.name == "list":
        print_table("Vocabularies", ["name", "tokens"], [[name, len(v)] for name, v in VOCABULARIES.items()])
        write_result(arguments.output_file, {name: len(v) for name, v in VOCABULARIES.items()})
        return 0
    if Path(arguments.name).is_dir() or names_a_version(arguments.name):
        from longhand.runs.checkpoint import load_vocabulary

        chosen = load_vocabulary(find_model(arguments.name))
    else:
        chosen = vocabulary(arguments.name)
    if not arguments.texts:
        roles: dict[str, list[str]] = {}
        for role, token in chosen.roles.items():
            roles.setdefault(token, []).append(role)
        rows = [[i, repr(t)[1:-1] if t != " " else "(space)", ", ".join(roles.get(t, []))]
                for i, t in enumerate(chosen.tokens)]  # fmt: skip
        print_table(f"{chosen.name}: {len(chosen)} tokens", ["id", "token", "roles"], rows)
        write_result(arguments.output_file, chosen.to_dict())
        return 0
    spelled = []
    for text in arguments.texts:
        ids = chosen.encode(text)
        spelled.append({"text": text, "ids": ids, "decoded": chosen.decode(ids)})
        print(f"{text}\n  ids     {' '.join(map(str, ids))}\n  decoded {spelled[-1]['decoded']}")
    write_result(arguments.output_file, spelled)
    return 0
