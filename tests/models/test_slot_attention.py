from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.slot_attention import WindowedDecoder
from longhand.numpy_gpt.windowed import WindowNetwork
from longhand.text.layouts.registry import LayoutName, layout
from longhand.text.schoolbook import write_rows


def build(name: LayoutName, n_layers: int = 2, seed: int = 0) -> WindowedDecoder:
    config = ModelConfig(name="windowed", layout=name, d_model=16, n_heads=2, n_layers=n_layers, d_ff=32)
    model = build_model(config, len(layout(name).vocabulary), seed=seed)
    assert isinstance(model, WindowedDecoder)
    return model.double()


def row(name: LayoutName, a: str, operator: str, b: str) -> list[int]:
    rows = layout(name)
    digits = ([int(digit) for digit in reversed(number)] for number in (a, b))
    first, second = digits
    return [rows.bos, *rows.vocabulary.encode(f"{a}{operator}{b}={write_rows(first, operator, second)}")]


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.sampled_from([1, 2]), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_numpy_computes_what_torch_does(a: int, b: int, n_layers: int, seed: int) -> None:
    model = build("schoolbook", n_layers, seed)
    with torch.no_grad():
        model.blocks[0].attention.slot_bias.normal_()
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    network = WindowNetwork(weights, n_layers, 2, model.config.norm_eps)
    windows = np.array(model.layout.windows(row("schoolbook", str(a), "/", str(b))))
    expected = model.logits_of(torch.from_numpy(windows)).detach().numpy()
    np.testing.assert_allclose(network.logits(windows), expected, rtol=1e-10, atol=1e-12)


def test_gradients_are_those_of_finite_differences() -> None:
    model = build("signed")
    windows = torch.tensor(model.layout.windows(row("signed", "12", "-", "345")))

    def loss(*weights: torch.Tensor) -> torch.Tensor:
        names = [name for name, _ in model.named_parameters()]
        call = {"windows": windows}
        logits = torch.func.functional_call(
            _Logits(model), {f"model.{n}": w for n, w in zip(names, weights, strict=True)}, (), call
        )
        return logits.logsumexp(dim=1).sum()

    with torch.no_grad():
        for block in model.blocks:
            block.attention.slot_bias.normal_()
    assert torch.autograd.gradcheck(loss, tuple(p for p in model.parameters()), fast_mode=True)


class _Logits(torch.nn.Module):
    def __init__(self, model: WindowedDecoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return self.model.logits_of(windows)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_in_no_window(side: str) -> None:
    model = build("signed")
    pad = model.layout.vocabulary.id_of("pad")
    long, short = row("signed", "12", "-", "345"), row("signed", "5", "+", "7")
    gap = [pad] * (len(long) - len(short))
    padded = gap + short if side == "left" else short + gap
    logits = model(torch.tensor([long, padded]))
    alone = model(torch.tensor([short]))
    start = len(gap) if side == "left" else 0
    torch.testing.assert_close(logits[1, start : start + len(short)], alone[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(logits[0], model(torch.tensor([long]))[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(model(torch.tensor([long]), logits_to_keep=3)[0], logits[0, -3:], rtol=0, atol=1e-12)


def test_a_token_outside_the_window_changes_nothing() -> None:
    model = build("sum")
    ids = row("sum", "98765", "+", "12345")
    changed = list(ids)
    changed[1] = layout("sum").token["3"]  # the highest digit of a, far from the units
    first = ids.index(model.layout.equals)
    before, after = model(torch.tensor([ids, changed]))[:, first : first + 3]
    assert torch.equal(before, after)
    assert not torch.equal(*model(torch.tensor([ids, changed]))[:, first + 4 : first + 5])


def test_a_later_token_changes_nothing_before_it() -> None:
    model = build("schoolbook")
    ids = row("schoolbook", "34", "*", "12")
    whole = model(torch.tensor([ids]))
    for length in range(ids.index(model.layout.equals) + 1, len(ids)):
        torch.testing.assert_close(model(torch.tensor([ids[:length]]))[0, -1], whole[0, length - 1])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"layout": "sum", "norm": "layernorm"}, r"model\.norm layernorm is not possible with block: window"),
        ({"layout": "sum", "dropout": 0.1}, r"model\.dropout 0\.1 is not possible"),
        ({"layout": "sum", "n_kv_heads": 1}, r"model\.n_kv_heads 1 is not possible"),
        ({"name": "gpt2", "layout": "sum"}, r"model\.layout has no effect with block: attention"),
    ],
)
def test_choices_that_cannot_be_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ModelConfig(**{"name": "windowed", **values})


def test_a_vocabulary_that_is_not_the_layouts_is_refused() -> None:
    with pytest.raises(UserError, match="set vocabulary: sum_rows"):
        build_model(ModelConfig(name="windowed", layout="sum"), 27)


def test_there_is_no_cache() -> None:
    with pytest.raises(UserError, match="no key-value cache"):
        build("sum").new_cache(1)
