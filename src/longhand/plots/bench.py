"""Pictures of `longhand bench`: rates as bars, and how seconds grow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longhand.plots.bench_bars import decoding_figure, training_figure
from longhand.plots.bench_scaling import scaling_figure
from longhand.plots.style import save

_FIGURES = {"train": training_figure, "decode": decoding_figure, "scaling": scaling_figure}


def draw(result: Mapping[str, Any], out: Path) -> list[Path]:
    """Write the picture of a result, given as the JSON that was written, if its kind has one; returns the paths."""
    figure = _FIGURES.get(result["kind"])
    if figure is None or not any(row.get("status", "measured") == "measured" for row in result["summary"]):
        return []
    path = out / f"{result['kind']}.png"
    save(figure(result), path)
    return [path]
