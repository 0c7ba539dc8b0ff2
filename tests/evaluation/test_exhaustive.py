from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from longhand.arithmetic.domain import Domain
from longhand.cli.main import main
from longhand.errors import UserError
from longhand.evaluation import evaluate
from longhand.evaluation.exhaustive import PROGRESS_FILE, certify_exhaustively, check_exhaustively
from longhand.runs.certificate import NotCertifiedError
from longhand.runs.checkpoint import load_checkpoint, save_checkpoint
from longhand.shipped import model_path
from longhand.solvers.base import Certified
from longhand.solvers.judged import judge_completion
from longhand.solvers.load import load

DOMAIN = Domain(("+", "-"), 2, 0, 99, "reject")


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped model, made out for numbers of two digits, asked 1,000 problems at a time."""
    monkeypatch.setattr(evaluate, "CHUNK", 1000)
    save_checkpoint(tmp_path / "model", replace(load_checkpoint(model_path("add-sub-3")), domain=DOMAIN))
    return tmp_path / "model"


def content(model: Path) -> dict[str, object]:
    """The certificate, but for what differs from one time to the next."""
    found: dict[str, object] = json.loads((model / "certificate.json").read_text())
    return {key: value for key, value in found.items() if key not in ("created", "seconds")}


def test_a_certificate_of_a_finite_domain_covers_that_domain_only(model: Path) -> None:
    report = certify_exhaustively(model, processes=1)
    assert report["problems"] == {"count": DOMAIN.size, "wrong": 0}
    assert check_exhaustively(model, processes=2) == report["claim"]
    assert "Proved" in (model / "README.md").read_text()
    solver = load(model)
    assert isinstance(solver, Certified)
    judged = [judge_completion(solver, completion) for completion in solver.solve(["95+7=", "100+1="])]
    assert [found.certified for found in judged if found is not None] == [True, False]


def test_another_engine_or_number_format_is_not_what_was_proved(model: Path) -> None:
    import torch

    certify_exhaustively(model, processes=1)
    for other in (load(model, dtype=torch.bfloat16), load(model, engine="torch")):
        assert other.engine != load(model).engine or other.model.embedding.weight.dtype == torch.bfloat16
        assert other.certificate is None


def test_an_interrupted_sweep_goes_on_and_comes_to_the_same(model: Path, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def interrupt(done: int, total: int) -> None:
        if done == 5000:
            raise StoppedError

    with pytest.raises(StoppedError):
        certify_exhaustively(model, processes=1, progress=interrupt)
    assert not (model / "certificate.json").exists()
    with (model / PROGRESS_FILE).open("a") as log:
        log.write('{"part": [5000, 60')  # killed in the middle of a line
    asked: list[int] = []
    certify_exhaustively(model, processes=1, progress=lambda done, total: asked.append(done))
    assert asked[0] == 6000
    assert not (model / PROGRESS_FILE).exists()
    resumed = content(model)
    (model / "certificate.json").unlink()
    certify_exhaustively(model, processes=1)
    assert content(model) == resumed


def test_the_progress_of_other_weights_counts_for_nothing(model: Path) -> None:
    (model / PROGRESS_FILE).write_text('{"weights_sha256": "other", "total": 1, "engine": "native"}\n')
    asked: list[int] = []
    certify_exhaustively(model, processes=1, progress=lambda done, total: asked.append(done))
    assert asked[0] == 1000


def test_one_wrong_answer_and_there_is_no_certificate(
    model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    checkpoint = load_checkpoint(model)
    weights = {name: array.copy() for name, array in checkpoint.weights.items()}
    weights["head.weight"] *= -1
    save_checkpoint(model, replace(checkpoint, weights=weights))
    with pytest.raises(NotCertifiedError, match=r"not certified: 0\+0="):
        certify_exhaustively(model, processes=1)
    assert not (model / "certificate.json").exists()
    assert main(["certify", str(model), "--processes", "1", "--output-file", str(tmp_path / "why.json")]) == 1
    assert "not certified" in capsys.readouterr().out
    assert json.loads((tmp_path / "why.json").read_text())["failures"]


def test_a_certificate_that_claims_more_than_was_asked_is_refused(model: Path) -> None:
    certify_exhaustively(model, processes=1)
    checkpoint = load_checkpoint(model)
    assert checkpoint.certificate is not None
    for change in ({"claim": "for everything"}, {"problems": {"count": 9, "wrong": 0}}, {"dtype": "bfloat16"}):
        told = replace(checkpoint.certificate, content={**checkpoint.certificate.content, **change})
        save_checkpoint(model, replace(checkpoint, certificate=told))
        with pytest.raises(UserError, match=f"the certificate has {next(iter(change))}"):
            check_exhaustively(model, processes=1)


def test_a_certificate_about_other_weights_does_not_stop_a_new_one(model: Path) -> None:
    certify_exhaustively(model, processes=1)
    checkpoint = load_checkpoint(model)
    assert checkpoint.certificate is not None
    stale = replace(checkpoint.certificate, content={**checkpoint.certificate.content, "weights_sha256": "0" * 64})
    save_checkpoint(model, replace(checkpoint, certificate=stale))
    with pytest.raises(UserError, match="is about other weights"):
        load(model)
    certify_exhaustively(model, processes=1)
    assert load(model).certificate is not None


def test_the_command_proves_and_checks_finite_domains(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certify", str(model), "--processes", "1"]) == 0
    assert "proved: for each of the 15,050 problems a+b, a-b with 2 operands from 0 to 99" in capsys.readouterr().out
    assert main(["certify", str(model), "--check", "--processes", "1"]) == 0
    assert "holds." in capsys.readouterr().out


def test_a_model_without_a_domain_has_no_list_to_ask(model: Path) -> None:
    save_checkpoint(model, replace(load_checkpoint(model), domain=None))
    with pytest.raises(UserError, match="made for no set of problems in particular"):
        certify_exhaustively(model, processes=1)
