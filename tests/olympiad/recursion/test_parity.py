"""The parity ladder, P1 to P9 and P14 without training: what has to be equal, to what, and how nearly."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tests.olympiad.tiny_qwen2 import EOS, PAD, VOCAB
from torch import Tensor
from transformers import Qwen2Config, Qwen2ForCausalLM
from transformers.models.qwen2.modeling_qwen2 import Qwen2DecoderLayer, Qwen2RotaryEmbedding

from longhand.errors import UserError
from longhand.models.masks import CausalBias
from longhand.models.positions import RotaryPositions
from longhand.models.reading import Reading
from longhand.models.recursion import Recursion
from longhand.models.trm import RecursiveHead, build_head
from longhand.models.trm_backbone import Backbone, config_for
from longhand.models.trm_config import SYSTEM_003, TrmConfig
from longhand.models.trm_model import TrmModel
from longhand.models.trm_net import TrmLayer
from longhand.olympiad.backbone import load_backbone
from longhand.olympiad.generate import PlainModel, generate

SMALL: dict[str, Any] = {"n_layers": 1, "n_latent": 2, "t_recursion": 2, "n_supervision": 3, "d_ff": 96}
KINDS: list[dict[str, Any]] = [
    {"residual": "post"},
    {"residual": "pre", "n_layers": 2},
    {"residual": "none"},
    {"residual": "post", "start": "fixed"},
    {"residual": "post", "start": "learned", "t_recursion": 1},
    {"residual": "pre", "n_latent": 0, "rounds_with_gradient": 2},
]


def ids(batch: int, time: int, seed: int = 0) -> Tensor:
    return torch.randint(1, VOCAB, (batch, time), generator=torch.Generator().manual_seed(seed))


def head_on(backbone: Backbone, seed: int = 0, **keys: Any) -> RecursiveHead:
    return build_head(config_for(backbone, **{**SMALL, **keys}), backbone, seed=seed)


@torch.no_grad()
def test_p1_a_pre_norm_layer_is_that_of_qwen2_with_its_weights() -> None:
    torch.manual_seed(0)
    theirs_config = Qwen2Config(
        hidden_size=32, intermediate_size=80, num_attention_heads=4, num_key_value_heads=4, num_hidden_layers=1,
        rope_parameters={"rope_type": "default", "rope_theta": 700.0}, attn_implementation="eager",
    )  # fmt: skip
    theirs = Qwen2DecoderLayer(theirs_config, 0).eval()
    for name, parameter in theirs.named_parameters():
        parameter.uniform_(0.5, 1.5) if "norm" in name else parameter.normal_(0, 0.2)
        if name.endswith(".bias"):
            parameter.zero_()
    config = TrmConfig(d_model=32, n_heads=4, d_ff=80, residual="pre", rope_theta=700.0, norm_eps=1e-6)
    ours = TrmLayer(config)
    attention, mlp = theirs.self_attn, theirs.mlp
    before, between = theirs.input_layernorm.weight, theirs.post_attention_layernorm.weight  # gains go into matrices
    qkv = torch.cat([attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight])
    ours.attention.qkv.weight.copy_(qkv * before)
    ours.attention.out.weight.copy_(attention.o_proj.weight)
    ours.mlp.gate.weight.copy_(mlp.gate_proj.weight * between)
    ours.mlp.up.weight.copy_(mlp.up_proj.weight * between)
    ours.mlp.down.weight.copy_(mlp.down_proj.weight)
    x = torch.randn(2, 9, 32)
    angles = Qwen2RotaryEmbedding(theirs_config)(x, torch.arange(9)[None])
    triangle = CausalBias(16)(9, 9)
    expected = theirs(x, attention_mask=triangle[None, None], position_embeddings=angles)
    reading = Reading(triangle, RotaryPositions(16, 8, 700.0)(slice(0, 9)), None)
    assert (ours(x, reading, None) - expected).abs().max() <= 1e-5


@torch.no_grad()
def test_p2_the_logits_of_the_backbone_are_those_of_its_class(backbone: Backbone, qwen2_directory: Path) -> None:
    theirs = Qwen2ForCausalLM.from_pretrained(qwen2_directory, dtype=torch.float32).eval()
    tokens = ids(3, 11)
    expected = theirs(tokens).logits
    head_on(backbone)  # wrapping it changes nothing
    torch.testing.assert_close(backbone.logits(backbone.hidden(tokens)), expected)
    torch.testing.assert_close(backbone.module(tokens).logits, expected, rtol=0, atol=0)
    assert backbone.rope_theta == 5_000.0


@pytest.mark.row("S3-M1")
@pytest.mark.parametrize("residual", ["post", "pre"])
def test_p3_a_head_that_starts_at_nothing_writes_what_the_backbone_writes(backbone: Backbone, residual: str) -> None:
    head = head_on(backbone, residual=residual, init="zero")
    tokens = ids(2, 12)
    hidden = backbone.hidden(tokens)
    with torch.no_grad():
        difference = (TrmModel(backbone, head)(tokens) - backbone.logits(hidden)).abs().max()
    assert difference < 1e-3 * backbone.logits(hidden).abs().max()
    x = head.prepare(hidden)
    y, z = head.start(x)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        step = head.step(x, y, z, tokens)
        step.loss_sum.backward()
        optimizer.step()
        y, z = step.y, step.z
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@torch.no_grad()
def test_p3_the_norm_of_the_backbone_is_applied_once(backbone: Backbone) -> None:
    """System 003 hands on what has been through it, and norms again."""
    head = head_on(backbone, init="zero")
    tokens = ids(2, 12)
    hidden = backbone.hidden(tokens)
    expected = backbone.logits(hidden)
    once = head.logits(head.prepare(hidden))
    twice = head.logits(head.norm(hidden))
    assert (once - expected).abs().max() < 1e-3 * expected.abs().max() < (twice - expected).abs().max()


@pytest.mark.row("S3-I1")
def test_p4_greedy_answers_of_a_padded_batch_are_those_of_hugging_face(
    backbone: Backbone, qwen2_directory: Path
) -> None:
    theirs = Qwen2ForCausalLM.from_pretrained(qwen2_directory, dtype=torch.float32).eval()
    prompts = [ids(1, length, length)[0].tolist() for length in (3, 9, 5, 12)]
    ours = generate(PlainModel(backbone), prompts, max_new_tokens=10, eos_id=EOS, pad_id=PAD)
    width = max(map(len, prompts))
    padded = torch.tensor([[PAD] * (width - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    written = theirs.generate(padded, attention_mask=mask, max_new_tokens=10, do_sample=False)[:, width:]
    for row, found in zip(written.tolist(), ours, strict=True):
        end = row.index(EOS) + 1 if EOS in row else len(row)
        assert list(found.token_ids) == row[:end]


@pytest.mark.parametrize("keys", KINDS, ids=str)
def test_p7_no_logit_depends_on_a_later_token(backbone: Backbone, keys: dict[str, Any]) -> None:
    head = head_on(backbone, **keys)
    x = head.prepare(backbone.hidden(ids(1, 8))).requires_grad_(True)
    y, z = head.start(x)
    for _ in range(2):
        y, z = head.recursion(x, y, z, head.recursion.read(x, None))
    for t in (0, 3, 7):
        (slope,) = torch.autograd.grad(head.logits(y[:, t]).square().sum(), x, retain_graph=True)
        assert not slope[:, t + 1 :].any()
        assert slope[:, t].abs().max() > 0


@pytest.mark.row("S3-M2")
def test_p8_only_the_last_round_of_a_step_has_gradients(backbone: Backbone) -> None:
    kept: dict[tuple[int, int], int] = {}
    for rounds in (2, 3, 5):
        head = head_on(backbone, t_recursion=rounds, n_latent=6)
        calls = {True: 0, False: 0}
        head.recursion.net.register_forward_hook(
            lambda *_, calls=calls: calls.__setitem__(torch.is_grad_enabled(), calls[torch.is_grad_enabled()] + 1)
        )
        tokens = ids(2, 10)
        x = head.prepare(backbone.hidden(tokens))
        y, z = head.start(x)
        for step in range(2):
            size = 0

            def pack(tensor: Tensor) -> Tensor:
                nonlocal size
                size += tensor.numel()
                return tensor

            with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                done = head.step(x, y, z, tokens)
            assert not done.y.requires_grad
            assert not done.z.requires_grad
            y, z, kept[rounds, step] = done.y, done.z, size
        assert calls == {False: 2 * (rounds - 1) * 7, True: 2 * 7}  # 14 and 7 per step, with three rounds
    assert len(set(kept.values())) == 1, "what is kept for the way back grows neither with rounds nor with steps"


@torch.no_grad()
def test_a_single_state_is_one_line(backbone: Backbone) -> None:
    head = head_on(backbone, n_latent=0, t_recursion=3, rounds_with_gradient=3, n_supervision=2)
    tokens = ids(2, 9)
    x = head.prepare(backbone.hidden(tokens))
    reading, y = head.recursion.read(x, None), torch.zeros_like(x)
    for _ in range(2 * 3):
        y = head.recursion.net(x + y, reading)
    torch.testing.assert_close(TrmModel(backbone, head)(tokens), head.logits(y), rtol=0, atol=0)


@torch.no_grad()
def test_p9_one_pass_of_everything_is_three_lines(backbone: Backbone) -> None:
    head = head_on(backbone, n_supervision=1, t_recursion=1, n_latent=1)
    tokens = ids(2, 9)
    x = head.prepare(backbone.hidden(tokens))
    reading = head.recursion.read(x, None)
    z = head.recursion.net(x + 0 + 0, reading)
    y = head.recursion.net(0 + z, reading)
    expected = F.linear(head.norm(y), head.lm_head)
    torch.testing.assert_close(TrmModel(backbone, head)(tokens), expected, rtol=0, atol=0)


GOLDEN = [-0.709525, -1.107449, -0.6054, 1.233629]  # of the second way to write it down, below


def _published_step(recursion: Recursion, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """One step of arXiv:2510.04871 written down a second time: loops over heads, complex rotations, no shared code."""
    config = recursion.config
    weights = dict(recursion.net.named_parameters())
    d, n_heads, width = config.d_model, config.n_heads, config.d_model // config.n_heads
    frequency = config.rope_theta ** (-torch.arange(0, width, 2) / width)
    turn = torch.polar(torch.ones(()), torch.arange(x.size(1))[:, None] * frequency)

    def rotated(heads: Tensor) -> Tensor:
        turned = torch.complex(*heads.chunk(2, dim=-1)) * turn
        return torch.cat((turned.real, turned.imag), dim=-1)

    def rms(h: Tensor) -> Tensor:
        return h / (h.pow(2).mean(-1, keepdim=True) + config.norm_eps).sqrt()

    def net(h: Tensor) -> Tensor:
        for index in range(config.n_layers):
            part = f"layers.{index}."
            q, k, v = (h @ weights[part + "attention.qkv.weight"].T).split(d, dim=-1)
            heads = []
            for start in range(0, n_heads * width, width):
                here = slice(start, start + width)
                scores = rotated(q[..., here]) @ rotated(k[..., here]).transpose(1, 2) / width**0.5
                heads.append(scores.softmax(-1) @ v[..., here])
            h = rms(h + torch.cat(heads, -1) @ weights[part + "attention.out.weight"].T)
            gate, up = h @ weights[part + "mlp.gate.weight"].T, h @ weights[part + "mlp.up.weight"].T
            h = rms(h + (gate.sigmoid() * gate * up) @ weights[part + "mlp.down.weight"].T)
        return h

    for _ in range(config.t_recursion):
        for _ in range(config.n_latent):
            z = net(z + (y + x))
        y = net(y + z)
    return y, z


@torch.no_grad()
def test_p14_the_published_recursion_gives_what_it_gave() -> None:
    torch.manual_seed(0)
    config = TrmConfig(
        d_model=16, n_heads=2, d_ff=24, n_layers=2, n_latent=3, t_recursion=2, attention="bidirectional",
        start="fixed", max_seq_len=8,
    )  # fmt: skip
    recursion = Recursion(config)
    x = torch.randn(2, 6, 16)
    y, z = recursion(x, *recursion.start(x), recursion.read(x, None))
    expected_y, expected_z = _published_step(recursion, x, *recursion.start(x))
    torch.testing.assert_close(y, expected_y, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(z, expected_z, rtol=1e-4, atol=1e-5)
    golden = torch.tensor(GOLDEN)
    torch.testing.assert_close(y[0, 0, :4], golden, rtol=1e-4, atol=1e-4)


def test_the_backbone_hands_out_copies_of_its_norm_and_its_own_head(backbone: Backbone) -> None:
    head = head_on(backbone)
    before = backbone.fingerprint()
    with torch.no_grad():
        head.norm.weight.add_(1)  # type: ignore[operator, union-attr]
    assert backbone.fingerprint() == before
    assert head.lm_head.data_ptr() == backbone.lm_head()[0].data_ptr()
    assert copy.deepcopy(head).lm_head.data_ptr() == head.lm_head.data_ptr()
    trained = head_on(backbone, freeze_lm_head=False)
    assert trained.lm_head.data_ptr() != backbone.lm_head()[0].data_ptr()
    assert isinstance(trained.lm_head, torch.nn.Parameter)


@pytest.mark.row("S3-M1")
def test_system_003_as_its_source_has_it_runs_on_any_backbone(backbone: Backbone) -> None:
    head = head_on(backbone, **{**SYSTEM_003, "d_ff": 256})
    assert sum(p.numel() for p in head.recursion.parameters()) == 16 * 64**2
    assert TrmModel(backbone, head)(ids(1, 5)).shape == (1, 5, VOCAB)


@pytest.mark.row("S3-I1")
@pytest.mark.parametrize("keys", KINDS, ids=str)
@pytest.mark.parametrize("chunks", [[10], [1] * 10, [4, 1, 3, 2]], ids=str)
@torch.no_grad()
def test_reading_in_chunks_with_one_cache_per_pass_is_reading_at_once(
    backbone: Backbone, keys: dict[str, Any], chunks: list[int]
) -> None:
    trm = TrmModel(backbone, head_on(backbone, **keys))
    tokens, mask = ids(2, 10), torch.ones(2, 10, dtype=torch.bool)
    mask[0, :3] = False
    whole = trm(tokens, mask)
    cache = trm.new_cache(2, 10)
    pairs = zip(tokens.split(chunks, dim=1), mask.split(chunks, dim=1), strict=True)
    read = torch.cat([trm(part, real, kv_cache=cache) for part, real in pairs], dim=1)
    torch.testing.assert_close(read[mask], whole[mask], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(whole[0, 3:], trm(tokens[:1, 3:])[0], rtol=1e-3, atol=1e-3)


def test_a_copy_of_the_norm_does_not_bring_the_backbone_along(backbone: Backbone) -> None:
    norm = backbone.final_norm()
    assert not norm._forward_pre_hooks
    hidden = backbone.hidden(ids(1, 4))
    torch.testing.assert_close(norm(hidden), backbone.normed(hidden), rtol=0, atol=0)


def test_what_is_no_model_directory_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^no model directory at Qwen/Qwen2.5-Math-1.5B-Instruct: .* on this disk$"):
        load_backbone("Qwen/Qwen2.5-Math-1.5B-Instruct")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(UserError, match=r"holds a model of type 'llama'; a backbone is longhand or qwen2$"):
        load_backbone(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2"}))
    with pytest.raises(UserError, match=r"cannot be read as a Qwen2 model"):
        load_backbone(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"names no model_type"):
        load_backbone(tmp_path)
