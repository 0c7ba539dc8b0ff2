from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.numpy_gpt.tiny_models import random_model, tiny_config

from longhand.errors import UserError
from longhand.numpy_gpt.npz import load_npz, save_npz


@pytest.mark.row("S1-B4")
def test_weights_come_back_from_npz_as_they_were(tmp_path: Path) -> None:
    weights = random_model(tiny_config()).parameters.weights
    save_npz(tmp_path / "weights.npz", weights)
    found = load_npz(tmp_path / "weights.npz")
    assert list(found) == list(weights)
    assert all((found[name] == weights[name]).all() for name in weights)


@pytest.mark.bug("S1-6")
@pytest.mark.row("S1-B4")
def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    # The artefact of the published system is a pickle of its model, which executes what it says when it is read.
    np.savez(tmp_path / "evil.npz", model=np.array([object()], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"evil.npz is no .npz file of weights"):
        load_npz(tmp_path / "evil.npz")
    with pytest.raises(UserError, match="no weights at"):
        load_npz(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(UserError, match=r"text.npz is no .npz file"):
        load_npz(tmp_path / "text.npz")
