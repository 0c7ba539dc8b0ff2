"""The looped transformer: a few blocks passed as often as the problem is deep (arXiv:2502.05171).

What makes it itself: a prelude reads the row, the blocks of the loop refine a state again and again, each time after
the prelude's result was added anew, and a coda writes from the last state. In training the number of passes is drawn
for every batch, so that any number makes sense when it answers: more of them for deeper problems than it has seen.
"""

from __future__ import annotations

from longhand.models.architecture import Architecture

LOOPED = Architecture(
    name="looped",
    paper="Geiping et al. (2025), Scaling up Test-Time Compute with Latent Reasoning, arXiv:2502.05171, with the"
    " injection by addition that its section 3.2 finds as good in small models",
    norm="rmsnorm",
    mlp="swiglu",
    pos_encoding="rope",
    attention_bias=False,
    mlp_bias=False,
    residual_init_scaling=False,
    init="scaled",
    loops=8,
)
