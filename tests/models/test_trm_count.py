"""The cost of a recursion by formula is what hooks and torch's own counter find."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.trm import RecursiveHead, build_head
from longhand.models.trm_backbone import DecoderBackbone, config_for
from longhand.models.trm_config import PUBLISHED, SYSTEM_003, TrmConfig
from longhand.models.trm_count import count_trm, layer_flops, net_parameters
from longhand.models.whole_answer import build_whole_answer

VOCAB, ROWS, TIME = 21, 3, 10
KINDS: list[dict[str, Any]] = [
    {"residual": "post"},
    {"residual": "pre", "n_layers": 1, "t_recursion": 3, "n_supervision": 4},
    {"residual": "none", "freeze_lm_head": False},
    {"residual": "post", "t_recursion": 1, "n_latent": 1, "n_supervision": 1},
    {"residual": "post", "t_recursion": 1, "start": "learned", "n_supervision": 3},
    {"residual": "post", "t_recursion": 3, "rounds_with_gradient": 2},
    {"residual": "pre", "n_latent": 0, "t_recursion": 4, "rounds_with_gradient": 4, "n_supervision": 1},
]


def _head(keys: dict[str, Any]) -> tuple[RecursiveHead, torch.Tensor, torch.Tensor]:
    model = build_model(ModelConfig(name="llama2", d_model=16, n_heads=2, n_layers=1, init="scaled"), VOCAB, seed=0)
    backbone = DecoderBackbone(model)
    sizes = {"n_layers": 2, "n_latent": 2, "t_recursion": 2, "n_supervision": 2, "d_ff": 40}
    head = build_head(config_for(backbone, **{**sizes, **keys}), backbone, seed=0)
    ids = torch.randint(0, VOCAB, (ROWS, TIME), generator=torch.Generator().manual_seed(0))
    return head, ids, head.prepare(backbone.hidden(ids))


@pytest.mark.row("S3-M2", "S3-M3")
@pytest.mark.parametrize("keys", KINDS, ids=str)
def test_an_answer_costs_what_the_formula_says(keys: dict[str, Any]) -> None:
    head, _, x = _head(keys)
    count = count_trm(head.config, VOCAB, TIME)
    calls = {"net": 0, "layer": 0}
    head.recursion.net.register_forward_hook(lambda *_: calls.__setitem__("net", calls["net"] + 1))
    for layer in head.recursion.net.layers:
        layer.register_forward_hook(lambda *_: calls.__setitem__("layer", calls["layer"] + 1))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        head.logits(head.refine(x, None))
    assert calls == {"net": count.block_calls, "layer": count.effective_depth}
    assert counter.get_total_flops() == count.forward_flops * ROWS * TIME


@pytest.mark.parametrize("keys", KINDS, ids=str)
def test_a_visit_of_a_batch_costs_what_the_formula_says(keys: dict[str, Any]) -> None:
    head, ids, x = _head(keys)
    labels = ids.clone()
    labels[:, :4] = -100
    count = count_trm(head.config, VOCAB, TIME, labelled=(TIME - 4) / TIME)
    graded = 0

    def note(*_: Any) -> None:
        nonlocal graded
        graded += torch.is_grad_enabled()

    head.recursion.net.register_forward_hook(note)
    y, z = head.start(x)
    with FlopCounterMode(display=False) as counter:
        for _ in range(head.config.n_supervision):
            step = head.step(x, y, z, labels)
            step.loss_sum.backward()
            y, z = step.y, step.z
    assert graded == count.graded_calls
    per_token = counter.get_total_flops() / (ROWS * TIME)  # no whole number, as the head sees six tokens of ten
    assert count.training_flops == pytest.approx(per_token, abs=0.5)


@pytest.mark.row("S3-M4")
@pytest.mark.parametrize("keys", KINDS, ids=str)
def test_parameters_are_those_of_the_head(keys: dict[str, Any]) -> None:
    head, _, _ = _head(keys)
    count = count_trm(head.config, VOCAB, TIME)
    assert sum(p.numel() for p in head.parameters() if p.requires_grad) == count.trainable
    frozen = head.lm_head.numel() if head.config.freeze_lm_head else 0
    assert count.frozen == frozen
    assert sum(p.numel() for p in head.recursion.net.parameters()) == net_parameters(head.config)


@pytest.mark.parametrize("halting", [True, False])
def test_whole_answers_are_counted_too(halting: bool) -> None:
    keys = {"d_model": 16, "n_heads": 2, "d_ff": 40, "n_latent": 2, "t_recursion": 2, "n_supervision": 3}
    config = TrmConfig(**{**keys, **PUBLISHED, "halting": halting}, max_seq_len=TIME)
    model = build_whole_answer(config, VOCAB, seed=0)
    ids = torch.randint(0, VOCAB, (ROWS, TIME), generator=torch.Generator().manual_seed(0))
    labels = ids.clone()
    labels[:, :4] = -100
    count = count_trm(config, VOCAB, TIME, labelled=(TIME - 4) / TIME)
    assert count.trainable == sum(p.numel() for p in model.parameters())
    with FlopCounterMode(display=False) as counter:
        model.answers(ids)
    assert counter.get_total_flops() == count.forward_flops * ROWS * TIME
    y, z = model.start(ids)
    with FlopCounterMode(display=False) as counter:
        for _ in range(config.n_supervision):
            step = model.step(ids, y, z, labels)
            (step.loss_sum + step.halt_loss).backward()
            y, z = step.y, step.z
    assert count.training_flops == pytest.approx(counter.get_total_flops() / (ROWS * TIME), abs=0.5)


@pytest.mark.row("S3-M3", "S3-M4")
def test_system_003_is_counted_as_its_source_computes() -> None:
    """Its documents say 672 deep and 257M numbers; its source passes one block of 16 d^2 numbers 336 times."""
    keys = {"d_model": 1536, "n_heads": 12, **SYSTEM_003}
    count = count_trm(TrmConfig(**keys), 151_936, 1)
    assert (count.block_calls, count.effective_depth, count.graded_calls) == (336, 336, 112)
    assert count_trm(TrmConfig(**{**keys, "n_layers": 2}), 151_936, 1).effective_depth == 672
    assert str(count).startswith("336 layers deep: 336 passes through the net, 112 of them with gradients in training;")
    assert net_parameters(TrmConfig(**keys)) == 16 * 1536**2 == 37_748_736
    assert net_parameters(TrmConfig(**{**keys, "d_model": 3584, "n_heads": 28})) == 205_520_896
    assert count.frozen == 1536 * 151_936
    assert 336 * layer_flops(TrmConfig(**keys), 0) // 2 == 12_683_575_296  # multiply-adds: 9.7 times the 1.5B backbone
