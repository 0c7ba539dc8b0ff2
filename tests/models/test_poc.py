"""The decoder that attends to a memory of zeros, held to torch's own `nn.TransformerDecoder`."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.fused import why_not_fused
from longhand.models.import_poc import from_transformer_decoder
from longhand.solvers.native import why_not_native

POC = {"name": "poc", "d_model": 128, "n_heads": 4, "n_layers": 4, "d_ff": 512, "max_seq_len": 32, "dropout": 0.1}
TINY = (7, 16, 4, 2, 24, 12)  # tokens, width, heads, layers, hidden width, context


class TorchDecoder(nn.Module):
    """What the model stands for: embeddings, `nn.TransformerDecoder` over zeros, a norm and a head."""

    def __init__(self, vocab: int, d: int, heads: int, layers: int, d_ff: int, context: int, dropout: float) -> None:
        super().__init__()
        self.token_emb, self.pos_emb = nn.Embedding(vocab, d), nn.Embedding(context, d)
        layer = nn.TransformerDecoderLayer(d, heads, d_ff, dropout, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, layers)
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, vocab)
        with torch.no_grad():
            for parameter in self.parameters():  # biases too: at 0 the middle part would add nothing
                parameter.add_(0.1 * torch.randn(parameter.shape))

    def forward(self, ids: Tensor) -> Tensor:
        time = ids.size(1)
        x = self.token_emb(ids) + self.pos_emb.weight[:time]
        later = torch.ones(time, time).triu(1).bool()
        x = self.decoder(x, torch.zeros(len(ids), 1, x.size(2)), tgt_mask=later)
        logits: Tensor = self.head(self.norm(x))
        return logits


@pytest.mark.bug("S2-3b")
@pytest.mark.row("S2-M1")
def test_the_number_of_parameters_is_the_one_published_and_so_is_the_dead_weight() -> None:
    model = build_model(ModelConfig(**POC), 16)
    assert model.num_parameters() == 1_066_768
    d, ff, v, context, layers = 128, 512, 16, 32, 4
    cross = layers * (4 * d * d + 4 * d + 2 * d)
    assert cross == 265_216
    without = build_model(ModelConfig(**POC, legacy_cross_attention=False), 16)
    block = (4 * d * d + 4 * d) + (2 * d * ff + ff + d) + 2 * 2 * d
    assert without.num_parameters() == v * d + context * d + layers * block + 2 * d + v * d + v == 801_552


@pytest.mark.row("S2-M1")
@pytest.mark.parametrize("sizes", [TINY, (16, 128, 4, 4, 512, 32)], ids=["tiny", "full"])
def test_logits_and_gradients_are_those_of_torchs_transformer_decoder(sizes: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    theirs = TorchDecoder(*sizes, dropout=0.0)
    ours = from_transformer_decoder(theirs.state_dict(), n_heads=4)
    assert ours.num_parameters() == sum(p.numel() for p in theirs.parameters())
    ids = torch.randint(0, sizes[0], (3, 9))
    expected = theirs(ids)
    got = ours.eval()(ids)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)
    expected.square().sum().backward()
    got.square().sum().backward()
    value_bias = ours.blocks[1].cross.qkv.bias.grad[-sizes[1] :]
    torch.testing.assert_close(
        value_bias, theirs.decoder.layers[1].multihead_attn.in_proj_bias.grad[-sizes[1] :], rtol=1e-3, atol=1e-3
    )
    torch.testing.assert_close(ours.embedding.weight.grad, theirs.token_emb.weight.grad, rtol=1e-3, atol=1e-3)


def test_the_middle_part_changes_every_token_by_the_same_vector_in_evaluation_only() -> None:
    torch.manual_seed(0)
    theirs = TorchDecoder(*TINY, dropout=0.5)
    cross = from_transformer_decoder(theirs.state_dict(), n_heads=4).blocks[0].cross
    x = torch.randn(64, 5, 16)
    with torch.no_grad():
        assert cross.eval()(x).shape == (16,)
        constant = cross(x)
        cross.dropout = 0.5
        dropped = cross.train()(x)
        assert dropped.shape == x.shape
        # A head of a token is there twofold or not at all, as torch drops the one weight it attends with.
        parts = (cross.out.weight * cross.qkv.bias[-16:]).view(16, 4, 4).sum(dim=2)  # [d_model, heads]
        kept = torch.cartesian_prod(*[torch.tensor([0.0, 2.0])] * 4)
        possible = kept @ parts.T + cross.out.bias
        nearest = (dropped.flatten(0, 1)[:, None] - possible).abs().amax(dim=2).min(dim=1)
        assert nearest.values.max() < 1e-5
        assert len(set(nearest.indices.tolist())) > 10
        torch.testing.assert_close(dropped.mean(dim=(0, 1)), constant, rtol=0, atol=0.15)


def test_weights_that_never_learn_are_those_without_a_gradient() -> None:
    model = build_model(ModelConfig(**{**POC, "d_model": 16, "d_ff": 32, "n_layers": 2}), 16, seed=0)
    model(torch.randint(0, 16, (4, 9), generator=torch.Generator().manual_seed(0))).square().sum().backward()
    # At the start the value bias is zero, so the output matrix of the middle part waits for it.
    asleep = {name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()}
    assert asleep == {f"blocks.{i}.cross.{name}.weight" for i in range(2) for name in ("qkv", "out")}
    assert all(not block.cross.qkv.bias.grad[:32].any() for block in model.blocks)


def test_xavier_weights_are_uniform_within_the_bound_of_their_shape() -> None:
    model = build_model(ModelConfig(**POC), 16, seed=0)
    for name, weight in model.named_parameters():
        if weight.dim() == 2:
            bound = (6 / sum(weight.shape)) ** 0.5
            assert 0.98 * bound < weight.abs().max() <= bound, name
            assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05), name
        elif "norm" not in name:
            assert not weight.any(), name


def test_weights_of_another_model_are_refused_in_one_line() -> None:
    weights = TorchDecoder(*TINY, dropout=0.0).state_dict()
    with pytest.raises(UserError, match=r"no tensor 'token_emb\.weight'"):
        from_transformer_decoder({})
    with pytest.raises(UserError, match=r"no tensor 'decoder\.layers\.1\.norm3\.weight'"):
        from_transformer_decoder({n: w for n, w in weights.items() if n != "decoder.layers.1.norm3.weight"})
    with pytest.raises(UserError, match="hold a tensor 'more'"):
        from_transformer_decoder({**weights, "more": torch.zeros(1)})
    with pytest.raises(UserError, match=r"head.weight has shape \(7, 3\); the others ask for \(7, 16\)"):
        from_transformer_decoder({**weights, "head.weight": torch.zeros(7, 3)})
    with pytest.raises(UserError, match="d_model 16 is not divisible by n_heads 5"):
        from_transformer_decoder(weights, n_heads=5)


def test_the_native_kernels_leave_it_to_the_plain_path() -> None:
    model = build_model(ModelConfig(**POC), 16)
    assert why_not_fused(model) == why_not_native(model) == "norm_place: post has no kernel"
