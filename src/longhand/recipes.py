"""Whole experiments, the flow of data written once from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What `demo` did: where it lies, the report of the sweep, and the seconds of each part."""

    output_dir: Path
    report: dict[str, Any]
    seconds: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether the sweep found no error."""
        return bool(self.report["errors"] == 0)
