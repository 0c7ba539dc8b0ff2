from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.olympiad.tiny_qwen2 import PAD, VOCAB

from longhand.models.trm import build_head
from longhand.models.trm_backbone import Backbone, config_for
from longhand.models.trm_model import TrmModel
from longhand.olympiad.generate import generate
from longhand.olympiad.training.batches import Rows
from longhand.olympiad.training.measure import measure_steps


def test_rows_that_are_right_are_those_that_greedy_decoding_writes(backbone: Backbone) -> None:
    config = config_for(backbone, n_layers=1, n_latent=2, t_recursion=2, n_supervision=3)
    head = build_head(config, backbone, seed=0)
    prompts = np.random.default_rng(0).integers(1, VOCAB, (8, 4))
    model = TrmModel(backbone, head, n_supervision=2)
    written = generate(model, prompts.tolist(), max_new_tokens=3, eos_id=-1, pad_id=PAD)
    ids = np.concatenate([prompts, [row.token_ids for row in written]], axis=1)
    ids[:3, -1] = (ids[:3, -1] + 1) % VOCAB  # three rows are wrong in their last token
    labels = ids.copy()
    labels[:, :4] = -100
    labels[7] = -100  # and one is not asked
    mask = np.ones_like(ids, dtype=np.bool_)
    found = measure_steps(head, backbone, [Rows(ids[:5], labels[:5], mask[:5]), Rows(ids[5:], labels[5:], mask[5:])])
    assert [measure.n_supervision for measure in found] == [1, 2, 3]
    second = found[1]
    assert (second.right_rows, second.n_rows) == (4, 7)
    assert (second.right_tokens, second.n_tokens) == (7 * 3 - 3, 7 * 3)
    assert found[0].right_rows < 4, "another number of steps writes other tokens"
    x = head.prepare(backbone.hidden(torch.from_numpy(ids)))
    done = [head.step(x, *head.start(x), torch.from_numpy(labels))]
    assert found[0].loss == pytest.approx(done[0].loss_sum.item() / done[0].n_tokens, rel=1e-5)
