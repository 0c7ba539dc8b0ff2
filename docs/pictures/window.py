"""Draw the picture of docs/certificates.md: the window that slides along an addition, as the layout itself places it.

python docs/pictures/window.py
"""

from __future__ import annotations

from pathlib import Path

from matplotlib import pyplot as plt
from matplotlib.patches import FancyBboxPatch

from longhand.plots.style import BLUE, GREEN, GREY, RED, save
from longhand.text.layouts.registry import layout
from longhand.text.schoolbook import write_rows

A, B = "90758", "364"
STEPS = (0, 1, 2, 4)
COLOURS = (RED, BLUE, "#56B4E9", GREEN, "#8fbf6b", GREY)


def main() -> None:
    """Write window.png beside this file."""
    rows = layout("sum")
    text = write_rows([int(d) for d in reversed(A)], "+", [int(d) for d in reversed(B)])
    tokens = [rows.bos, *rows.vocabulary.encode(f"{A}+{B}="), *rows.vocabulary.encode(text), rows.eos]
    start = tokens.index(rows.equals) + 1
    figure, axes = plt.subplots(len(STEPS), 1, figsize=(9, 5), constrained_layout=True)
    for axis, step in zip(axes, STEPS, strict=True):
        cursor = rows.cursor(tokens[:start])
        for token in tokens[start : start + step]:
            cursor.push(token)
        places = cursor.places()
        for place, token in enumerate(tokens):
            slots = [slot for slot, found in enumerate(places) if found == place]
            _draw(axis, place, rows.vocabulary.tokens[token], slots, place - start - step)
        axis.set_xlim(-0.8, len(tokens) - 0.2)
        axis.set_ylim(-0.6, 0.6)
        axis.set_aspect("equal")
        axis.axis("off")
        axis.set_title(f"token {step + 1} of the answer", loc="left", fontsize=9, color="#555555")
    marks = {"marker": "s", "linestyle": ""}
    handles = [plt.Line2D([], [], color=c, label=name, **marks) for c, name in zip(COLOURS, rows.slots, strict=True)]
    figure.legend(handles=handles, loc="outside lower center", ncol=3, frameon=False, fontsize=9)
    save(figure, Path(__file__).with_suffix(".png"))


def _draw(axis: plt.Axes, place: int, token: str, slots: list[int], after: int) -> None:
    """A token in its box: coloured where it fills slots, framed where it comes next, pale where it comes later."""
    shown = {"<bos>": "^", "<eos>": "$"}.get(token, token)
    face = COLOURS[slots[0]] if slots else "#f4f4f4"
    edge = "#222222" if after == 0 else face
    shape = {"boxstyle": "round,pad=0.05", "facecolor": "white" if after == 0 else face, "edgecolor": edge}
    axis.add_patch(FancyBboxPatch((place - 0.36, -0.36), 0.72, 0.72, linewidth=1.6, **shape))
    colour = "#222222" if after == 0 else "#cccccc" if after > 0 else "white" if slots else "#777777"
    weight = "bold" if slots or after == 0 else "normal"
    axis.text(place, -0.02, shown, ha="center", va="center", fontsize=13, color=colour, weight=weight)


if __name__ == "__main__":
    main()
