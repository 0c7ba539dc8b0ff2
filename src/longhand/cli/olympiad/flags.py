"""Flags in both spellings, `--num-samples` and MathLLM's `--num_samples`, and the groups that several verbs share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from longhand.cli.arguments import add_device_argument

DATASETS = ("gsm8k", "numina", "math")


def add_flag(parser: argparse._ActionsContainer, flag: str, *others: str, **settings: Any) -> None:
    """Add a flag; its spelling with underscores and `others` are understood too and not shown."""
    names = [flag, *others]
    hidden = [*others, *(name[:2] + name[2:].replace("-", "_") for name in names if "-" in name[2:])]
    dest = settings.pop("dest", flag[2:].replace("-", "_"))
    hidden = [name for name in hidden if name != flag]
    if settings.get("required"):  # any of its names will do
        parser.add_argument(flag, *hidden, dest=dest, **settings)
        return
    parser.add_argument(flag, dest=dest, **settings)
    if hidden:
        parser.add_argument(*hidden, dest=dest, **{**settings, "default": argparse.SUPPRESS, "help": argparse.SUPPRESS})


def add_data_flags(parser: argparse.ArgumentParser, split: str) -> None:
    """Add the flags that say which word problems; `split` is the one that is taken unless another is asked for."""
    add_flag(parser, "--dataset", choices=DATASETS, help="what the columns of the data are called [gsm8k]")
    add_flag(
        parser, "--data", type=Path, metavar="PATH", help="parquet or jsonl files on this disk; nothing is downloaded"
    )
    add_flag(parser, "--split", metavar="S", help=f"which split of a folder [{split}], never another instead")
    add_flag(parser, "--num-samples", type=int, metavar="N", help="only so many problems [all]")


def add_model_flags(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the model's directory and the device."""
    add_flag(
        parser, "--model", type=Path, metavar="DIR",
        help=f"{what}: a directory on this disk (longhand olympiad model makes a small one)",
    )  # fmt: skip
    add_device_argument(parser)


def add_drawing_flags(parser: argparse.ArgumentParser) -> None:
    """Add how texts are drawn and voted on."""
    add_flag(parser, "--votes", type=int, default=1, metavar="K", help="texts per problem, the majority answers")
    add_flag(
        parser, "--temperature", type=float, metavar="X", help="of the draws [0.7; with one vote 0, the likeliest text]"
    )
    add_flag(parser, "--max-new-tokens", type=int, default=1024, metavar="N", help="longest text (tokens)")
    add_flag(parser, "--seed", type=int, default=0, metavar="N", help="seed of the draws")
