"""The demo as it is, from nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longhand.cli.main import main


@pytest.mark.slow
def test_the_demo_learns_its_whole_domain_from_nothing(tmp_path: Path) -> None:
    assert main(["demo", "--output-dir", str(tmp_path / "demo"), "--seed", "5"]) == 0
    report = json.loads((tmp_path / "demo" / "report.json").read_text())
    assert (report["total"], report["errors"]) == (1_500_500, 0)
