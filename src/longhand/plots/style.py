"""One palette, one font size and one way to save a figure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from longhand.atomic import replacing_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette (2008): told apart by readers with any colour vision.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#777777"

_RC = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "figure.dpi": 110,
    "svg.hashsalt": "longhand",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw what is inside in the house style, whatever the user's own matplotlib settings are."""
    import matplotlib

    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **_RC}):
        yield


def save(figure: Figure, path: Path) -> None:
    """Write `figure` to `path` (the suffix names the format), whole or not at all.

    Files carry no date, so that the same numbers give the same bytes.
    """
    kind = path.suffix.lstrip(".")
    metadata = {"Software": None} if kind == "png" else {"Date": None} if kind == "svg" else None
    with replacing_file(path) as temporary:
        figure.savefig(temporary, format=kind, bbox_inches="tight", metadata=metadata)
