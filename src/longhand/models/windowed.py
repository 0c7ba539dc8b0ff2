"""The windowed transformer: every token is written from a few others, which a layout chooses by the delimiters alone.

What makes it itself: attention looks at the slots of a layout (text/layouts) and at nothing else, with a learned bias
for each head and slot in place of positions. Keys and values of every block are made from the embeddings, not from what
lower blocks computed, so that at any depth a prediction is a function of the tokens in its window. Of windows there are
finitely many: all of them can be listed, and the model proved right for numbers of any length.
"""

from __future__ import annotations

from longhand.models.architecture import Architecture

WINDOWED = Architecture(
    name="windowed",
    paper="slot attention over coupled coordinates; see docs/certificates.md",
    block="window",
    norm="rmsnorm",
    mlp="relu",
    pos_encoding="none",
    tie_weights=False,
    attention_bias=False,
    mlp_bias=False,
    residual_init_scaling=False,
    init="scaled",
)
