"""The table of the image's layers, from what `python -m deploy.clean_root --record` measured.

python benchmarks/container_table.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from demo_seeds import replace_table

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "docs" / "results" / "container.json"
PAGE = ROOT / "docs" / "deploy.md"
MEANING = (
    ("FROM ", "Debian without manuals"),
    ("RUN apt-get ", "Python"),
    ("COPY --from=build /opt/longhand ", "torch and the other libraries"),
    ("COPY --from=build /package ", "longhand, its kernels and its models"),
)


def table(facts: dict[str, Any]) -> str:
    """Return the Markdown table of the facts; what has no meaning of its own is one row."""
    lines = ["| layer | MB |", "|---|--:|"]
    rest = [layer for layer in facts["layers"] if not layer["step"].startswith(tuple(begin for begin, _ in MEANING))]
    for begin, meaning in MEANING:
        (layer,) = [layer for layer in facts["layers"] if layer["step"].startswith(begin)]
        lines.append(_row(meaning, layer["bytes"]))
    lines.append(_row("all else", sum(layer["bytes"] for layer in rest)))
    lines.append(_row("**in all**", sum(layer["bytes"] for layer in facts["layers"])))
    said = (
        f"Contents of the files that each step adds, in millions of bytes; {facts['date']}, Python {facts['python']},"
        f" torch {facts['torch']}. The server was healthy {facts['healthy_after_seconds']} s after it was started, took"
        f" {facts['peak_memory_bytes'] / 1e6:.0f} MB of memory at most, and ended with exit code 0."
    )
    return "\n".join([*lines, "", f"{said}\n"])


def _row(layer: str, n_bytes: int) -> str:
    return f"| {layer} | {n_bytes / 1e6:,.1f} |"


if __name__ == "__main__":
    replace_table(PAGE, "container", table(json.loads(FACTS.read_text(encoding="utf-8"))))
