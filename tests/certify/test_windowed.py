"""Certificates of windowed models, and the check that shares no code with them."""

from __future__ import annotations

import ast
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longhand.arithmetic.problem import Problem
from longhand.certify import check
from longhand.certify.claims import CLAIMS
from longhand.certify.counterexample import counterexample
from longhand.certify.dense import compare_with_dense
from longhand.certify.network_check import check_network, quick_margins
from longhand.certify.record import certify_model
from longhand.certify.rounding import bounded_logits
from longhand.certify.rules.registry import windows_of
from longhand.errors import UserError
from longhand.numpy_gpt.windowed import WindowNetwork
from longhand.runs.certificate import NotCertifiedError, read_certificate
from longhand.runs.checkpoint import load_checkpoint, save_checkpoint
from longhand.runs.manifest import write_manifest
from longhand.shipped import model_path, shipped_names
from longhand.solvers.base import Certified
from longhand.solvers.judged import judge_completion
from longhand.solvers.load import load
from longhand.solvers.windowed import WindowedSolver
from longhand.text.layouts.registry import LayoutName

CERTIFIED = [name for name in shipped_names("models") if (model_path(name) / "certificate.json").is_file()]


LAYOUTS: dict[str, LayoutName] = {"certified-add-3": "sum", "certified-compare-3": "compare"}


@pytest.fixture(params=LAYOUTS)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the shipped model that adds, and of the one that compares, under its name."""
    return Path(shutil.copytree(model_path(request.param), tmp_path / request.param))


@pytest.fixture(scope="module")
def solver() -> WindowedSolver:
    found = load("certified-add-3")
    assert isinstance(found, WindowedSolver)
    return found


def test_models_with_a_certificate_are_shipped() -> None:
    assert {f"certified-{name}-3" for name in ("add", "signed", "product", "division", "compare")} <= set(CERTIFIED)


@pytest.mark.parametrize("name", CERTIFIED)
def test_the_certificate_of_every_shipped_model_holds(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([str(model_path(name))]) == 0
    assert "holds" in capsys.readouterr().out


def test_a_certificate_says_what_was_found(model: Path) -> None:
    name = LAYOUTS[model.name]
    (model / "certificate.json").unlink()
    report = certify_model(model)
    assert json.loads((model / "certificate.json").read_text()) == report
    assert [o["id"] for o in report["obligations"]] == [f"P{n}" for n in range(1, 13)]
    assert all(o["holds"] for o in report["obligations"])
    assert report["windows"]["count"] == len(windows_of(name))
    assert report["margin"]["min"] > 0.5
    assert report["rounding"]["max_bound"] < 1e-6
    assert report["claim"] == CLAIMS[name] == check.CLAIMS[name]
    assert report["train"]["max_operand"] == 999
    assert all(control["confirmed"] for control in report["negative_controls"])
    load_checkpoint(model)  # its manifest knows the certificate
    assert check.check(model) == report["claim"]


def test_the_checker_is_one_short_file_that_imports_nothing_of_longhand() -> None:
    source = Path(check.__file__).read_text(encoding="utf-8")
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "")])
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert imported <= {*sys.stdlib_module_names, "numpy"}
    assert len(source.splitlines()) < 500


def test_both_programs_claim_the_same() -> None:
    assert check.CLAIMS == CLAIMS


def damaged(solver: WindowedSolver, change: Callable[[WindowNetwork], None]) -> WindowedSolver:
    fresh = load("certified-add-3")
    assert isinstance(fresh, WindowedSolver)
    change(fresh.network)
    return fresh


def test_the_counterexample_is_short_and_what_the_decoder_writes(solver: WindowedSolver) -> None:
    def negate(network: WindowNetwork) -> None:
        network.blocks[-1].weights["mlp.down.weight"][:] *= -1

    wrong = damaged(solver, negate)
    listed = windows_of("sum")
    found = counterexample(wrong, listed, np.flatnonzero(quick_margins(wrong.network, listed) <= 0))
    assert found is not None
    assert found.confirmed
    assert found.written == wrong.solve([found.expression])[0].text != found.expected
    assert len(found.expression) == 4


def test_a_wrong_model_gets_no_certificate(model: Path) -> None:
    change_weights(model, lambda w: w["head.weight"].__imul__(-1))
    before = (model / "certificate.json").read_bytes()
    message = rf"not certified: [\d,]+ of {len(windows_of(LAYOUTS[model.name])):,} windows.*shortest problem found: "
    with pytest.raises(NotCertifiedError, match=message) as failed:
        certify_model(model)
    assert (model / "certificate.json").read_bytes() == before  # nothing was written
    assert failed.value.report["failures"]["counterexample"]["confirmed"]
    with pytest.raises(UserError, match="is about other weights; remove it, or write it anew"):
        load(model)


@pytest.mark.parametrize(("key", "value"), [("format_version", 2), ("format", "something-else")])
def test_a_certificate_of_another_version_is_not_believed(model: Path, key: str, value: object) -> None:
    content = {**json.loads((model / "certificate.json").read_text()), key: value}
    with pytest.raises(UserError, match=rf"is a .*{value}.*this longhand reads .* of version 1; write it anew"):
        read_certificate(content, model, model / "model.safetensors")


def test_a_certificate_stays_with_its_model_and_its_answers_say_so(model: Path) -> None:
    checkpoint = load_checkpoint(model)
    save_checkpoint(model, replace(checkpoint, metrics={"loss": 1.0}))
    solver = load(model)
    assert isinstance(solver, Certified)
    assert solver.certificate is not None
    operator = solver.certificate.operators
    inside = judge_completion(solver, solver.solve([f"{'9' * 30}{operator}1="])[0])
    assert inside is not None
    assert inside.certified
    assert not inside.in_domain  # longer than anything it was trained on
    assert not solver.certificate.covers(Problem((5, 3), ("-",)))
    assert not solver.certificate.covers(Problem((-5, 3), (operator,)))
    assert not solver.certificate.covers(Problem((1, 2, 3), ("+", "+")))
    uncertified = load("add-sub-3")
    judged = judge_completion(uncertified, uncertified.solve(["1+1="])[0])
    assert judged is not None
    assert not judged.certified


def test_a_model_without_windows_is_refused() -> None:
    with pytest.raises(UserError, match="is no windowed model"):
        certify_model(model_path("add-sub-3"))


TAMPERINGS: dict[str, Callable[[dict[str, Any]], None]] = {
    "claim": lambda c: c.update(claim=CLAIMS["signed"]),
    "kind": lambda c: c.update(kind="exhaustive"),
    "dtype": lambda c: c.update(dtype="float32"),
    "count": lambda c: c["windows"].update(count=c["windows"]["count"] + 1),
    "a kind": lambda c: c["windows"]["by_kind"].update(end=1),
    "hash of the list": lambda c: c["windows"].update(sha256="0" * 64),
    "hash of the weights": lambda c: c.update(weights_sha256="0" * 64),
    "slots": lambda c: c["layout"]["slots"].pop(),
    "tokens": lambda c: c["layout"]["tokens"].reverse(),
    "layout": lambda c: c["layout"].update(name="signed"),
    "margin": lambda c: c["margin"].update(min=c["margin"]["min"] + 0.01),
    "bound": lambda c: c["rounding"].update(max_bound=c["rounding"]["max_bound"] / 2),
    "slack": lambda c: c["rounding"].update(min_slack=9.0),
    "model": lambda c: c["model"].update(n_layers=2),
    "obligation": lambda c: c["obligations"].pop(),
    "missing": lambda c: c.pop("windows"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_certificate_that_was_changed_is_refused(name: str, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = model / "certificate.json"
    certificate = json.loads(file.read_text())
    TAMPERINGS[name](certificate)
    file.write_text(json.dumps(certificate))
    assert check.main([str(model)]) == 1
    assert "REFUSED" in capsys.readouterr().out


@given(st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_weight_that_was_changed_is_noticed(model: Path, data: st.DataObject) -> None:
    raw = bytearray((model_path(model.name) / "model.safetensors").read_bytes())
    header = 8 + int.from_bytes(raw[:8], "little")
    place = data.draw(st.integers(header, len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    (model / "model.safetensors").write_bytes(raw)
    assert check.main([str(model)]) == 1


def test_a_certificate_made_out_for_worse_weights_is_refused(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The hash is brought in line: then it is the windows that give it away.
    change_weights(model, lambda w: w["blocks.0.mlp.down.weight"].__imul__(-1))
    certificate = json.loads((model / "certificate.json").read_text())
    certificate["weights_sha256"] = check.hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()
    (model / "certificate.json").write_text(json.dumps(certificate))
    assert check.main([str(model)]) == 1
    assert "P8: the model is wrong after" in capsys.readouterr().out


def change_weights(model: Path, change: Callable[[dict[str, Any]], object]) -> None:
    import safetensors.numpy

    path = model / "model.safetensors"
    weights = {name: array.copy() for name, array in safetensors.numpy.load_file(path).items()}
    change(weights)
    safetensors.numpy.save_file(weights, path, metadata={"format": "pt"})
    write_manifest(model)


@given(st.integers(0, 2**32), st.sampled_from([1, 2]))
@settings(max_examples=20, deadline=None)
def test_computed_logits_are_no_further_off_than_their_bounds(seed: int, n_layers: int) -> None:
    network, exact = (random_network(seed, n_layers, dtype) for dtype in (np.float64, np.longdouble))
    windows = np.random.default_rng(seed).integers(0, 15, (64, 6))
    bounded = bounded_logits(network, windows)
    assert (abs(network.logits(windows) - bounded.value) <= 2 * bounded.error).all()
    assert (abs(exact.logits(windows) - bounded.value) <= bounded.error).all()
    assert bounded.error.max() < 1


def random_network(seed: int, n_layers: int, dtype: Any) -> WindowNetwork:
    rng = np.random.default_rng(seed)
    d, ff, slots, vocab = 8, 16, 6, 15
    shapes = {"embedding.weight": (vocab, d), "norm.weight": (d,), "head.weight": (vocab, d)}
    for i in range(n_layers):
        shapes |= {
            f"blocks.{i}.attention_norm.weight": (d,),
            f"blocks.{i}.attention.slot_bias": (2, slots),
            f"blocks.{i}.attention.qkv.weight": (3 * d, d),
            f"blocks.{i}.attention.out.weight": (d, d),
            f"blocks.{i}.mlp_norm.weight": (d,),
            f"blocks.{i}.mlp.up.weight": (ff, d),
            f"blocks.{i}.mlp.down.weight": (d, ff),
        }
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return WindowNetwork(weights, n_layers, 2, 1e-5, dtype)


def test_masked_attention_computes_what_slots_do(solver: WindowedSolver) -> None:
    compared = compare_with_dense(solver.network, solver.layout, 10)
    assert compared["same_choices"]
    assert 0 < compared["largest_difference"] < 1e-10
    assert compared["outside"] == 0


def test_margins_are_leads_and_rounding_takes_from_them(solver: WindowedSolver) -> None:
    listed = windows_of("sum")
    checked = check_network(solver.network, listed)
    np.testing.assert_allclose(checked.margins, quick_margins(solver.network, listed), rtol=1e-12)
    assert (checked.slack < checked.margins).all()
    assert (checked.choices == listed.labels).all()
    assert len(checked.wrong) == len(checked.unsure) == 0
