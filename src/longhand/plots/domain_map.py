"""Where in the domain the answers are right: every pair of operands, coloured by exact match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from longhand.plots.style import house_style

_CMAP = "RdYlBu"  # told apart with any colour vision, unlike red and green


def domain_map(panels: Sequence[Mapping[str, object]], *, title: str | None = None) -> Figure:
    """Return a row of maps, one per panel, over the pairs (first operand, second operand).

    A panel is a mapping with `title` (text), `share` ([rows, columns] exact match 0..1 by blocks of first and
    second operand, NaN where the domain has no problem) and `max_operand`. With several rows of panels, give
    each panel a `row` index. Colours go from red (all wrong) to blue (all right).
    """
    rows = 1 + max(int(str(panel.get("row", 0))) for panel in panels)
    columns = max(sum(int(str(panel.get("row", 0))) == row for panel in panels) for row in range(rows))
    with house_style():
        figure = Figure(figsize=(2.5 * columns + 0.6, 2.55 * rows + (0.35 if title else 0)))
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        used = [0] * rows
        image = None
        for panel in panels:
            row = int(str(panel.get("row", 0)))
            axes = grid[row][used[row]]
            used[row] += 1
            top = int(str(panel["max_operand"])) + 1
            share = np.asarray(panel["share"], dtype=float)
            image = axes.imshow(
                share.T, origin="lower", extent=(0, top, 0, top), vmin=0, vmax=1, cmap=_CMAP, aspect="equal"
            )
            axes.set_title(str(panel["title"]), fontsize=9, fontweight="normal")
            axes.grid(visible=False)
            axes.set_facecolor("#f4f4f4")
            if row == rows - 1:
                axes.set_xlabel("first operand")
            if used[row] == 1:
                axes.set_ylabel("second operand")
        assert image is not None
        bar = figure.colorbar(image, ax=grid, fraction=0.02, pad=0.02)
        bar.set_label("exact match")
        if title:
            figure.suptitle(title, x=0.07, ha="left", fontweight="bold")
        return figure
