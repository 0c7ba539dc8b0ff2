"""Greedy decoding of a whole batch with a key-value cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from longhand.errors import UserError

if TYPE_CHECKING:
    from longhand.models.decoder import Decoder


@torch.no_grad()
def generate_greedily(
    model: Decoder,
    input_ids: Tensor,
    max_new_tokens: int,
    eos_id: int,
    attention_mask: Tensor | None = None,
) -> Tensor:
    """Return the prompts `input_ids` [batch, time] followed by up to `max_new_tokens` tokens each.

    Stops when every row has written `eos_id`; a row that is done repeats it. Fewer tokens are written where the
    result would outgrow max_seq_len. Padding in `attention_mask` [batch, time] may stand on either side; a row
    is continued after its last real token, and its new tokens follow all the columns of `input_ids`. Rows do
    not influence each other. Raises `UserError` for a prompt longer than max_seq_len.
    """
    batch, time = input_ids.shape
    max_seq_len = model.config.max_seq_len
    if time > max_seq_len:
        raise UserError(f"a prompt of {time} tokens is longer than the model's max_seq_len of {max_seq_len}")
    n_new = min(max_new_tokens, max_seq_len - time)
    if n_new < 1 or batch == 0:
        return input_ids
    was_training = model.training
    model.eval()
    try:
        step_ids, mask = _align_right(input_ids, attention_mask)
        cache = model.new_cache(batch, time + n_new)
        written = input_ids.new_full((batch, n_new), eos_id)
        done = torch.zeros(batch, dtype=torch.bool, device=input_ids.device)
        for step in range(n_new):
            logits = model(step_ids, mask, kv_cache=cache, logits_to_keep=1)
            chosen = logits[:, -1].argmax(dim=-1).masked_fill(done, eos_id)
            written[:, step] = chosen
            done |= chosen == eos_id
            if bool(done.all()):
                return torch.cat((input_ids, written[:, : step + 1]), dim=1)
            step_ids, mask = chosen[:, None], None
        return torch.cat((input_ids, written), dim=1)
    finally:
        model.train(was_training)


def _align_right(input_ids: Tensor, attention_mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Move the padding of each row to its left, so that all rows are continued in the same column."""
    if attention_mask is None:
        return input_ids, None
    real = attention_mask.bool()
    order = real.to(torch.uint8).argsort(dim=1, stable=True)
    return input_ids.gather(1, order), real.gather(1, order)
