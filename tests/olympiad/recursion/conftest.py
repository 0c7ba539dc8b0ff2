from __future__ import annotations

from pathlib import Path

import pytest
from tests.olympiad.tiny_qwen2 import tiny_qwen2

from longhand.models.trm_backbone import Backbone
from longhand.olympiad.backbone import load_backbone


@pytest.fixture(scope="session")
def qwen2_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_qwen2(tmp_path_factory.mktemp("backbone") / "tiny-qwen2")


@pytest.fixture(scope="session")
def backbone(qwen2_directory: Path) -> Backbone:
    """Frozen, so that tests may share it; one of them shows that it stays as it is."""
    return load_backbone(qwen2_directory)
