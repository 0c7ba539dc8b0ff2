"""The README of a checkpoint, written from its facts and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longhand.arithmetic.problem import COMPARISON


def model_card(
    config: Mapping[str, Any],
    vocabulary: str,
    metrics: Mapping[str, Any],
    training: Mapping[str, Any],
    certificate: Mapping[str, Any] | None = None,
) -> str:
    """Return the model card in Markdown, with the header Hugging Face reads.

    `config` is the content of `config.json`, `metrics`, `training` and `certificate` that of the files of these names.
    The resolved configuration of the run is left to `training.json`.
    """
    model, domain = config["model"], config["domain"]
    sections = [
        _header(),
        f"# A {model.get('name', 'decoder')} that does arithmetic\n",
        f"{config['num_parameters']:,} parameters, {_domain_sentence(domain)}. Written by longhand"
        f" {config['longhand_version']}.\n",
        _USE.format(operator="+" if domain is None else domain["operators"][0]),
        _proved(certificate),
        _table("Measured", metrics),
        _table("Model", {**model, "vocabulary": f"{vocabulary} ({config['vocab_size']} tokens)"}),
        _table("Format", config["format"]),
        _table("Trained on", {k: v for k, v in training.get("data", {}).items() if k not in ("format", "vocabulary")}),
        _table("Trained by", {k: v for k, v in training.items() if k not in ("data", "config")}),
    ]
    return "\n".join(section for section in sections if section)


_USE = """\
```python
import longhand

solver = longhand.load("path/to/this/directory")
print(solver.solve(["12{operator}34="])[0].answer)
```
"""


def _proved(certificate: Mapping[str, Any] | None) -> str:
    if certificate is None:
        return ""
    claim = str(certificate["claim"])
    return (
        f"## Proved\n\n{claim[0].upper()}{claim[1:]}. `certificate.json` is the proof; check it with"
        " `python -m longhand.certify.check` and the path of this directory.\n"
    )


def _header() -> str:
    return "---\nlicense: apache-2.0\nlibrary_name: longhand\ntags: [arithmetic, transformer]\n---\n"


def _domain_sentence(domain: Mapping[str, Any] | None) -> str:
    if domain is None:
        return "for no set of problems in particular"
    operators = " ".join(domain["operators"])
    negatives = f", {'with' if domain['negatives'] == 'allow' else 'without'} negative answers"
    return (
        f"for {operators} on {domain['n_operands']} operands from {domain['min_operand']} to"
        f" {domain['max_operand']}{'' if COMPARISON in domain['operators'] else negatives}"
    )


def _table(title: str, facts: Mapping[str, Any]) -> str:
    rows = [f"| {key} | {_cell(value)} |" for key, value in facts.items() if value not in (None, {}, [])]
    return "\n".join([f"## {title}\n", "| | |", "|---|---|", *rows, ""]) if rows else ""


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_cell(inner)}" for key, inner in value.items() if inner is not None)
    if isinstance(value, list | tuple):
        return " ".join(_cell(inner) for inner in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
