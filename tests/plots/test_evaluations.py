"""Pictures of evaluations show the counts of their reports, and nothing else is typed in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from longhand.arithmetic.domain import Domain
from longhand.cli.main import main
from longhand.errors import UserError
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.suites import DomainSuite
from longhand.plots.evaluations import by_length_figure, evaluations_figure, read_report
from longhand.solvers.oracle import Fault, Oracle

DOMAIN = Domain(max_operand=20)


def report_with(*wrong: str) -> dict[str, Any]:
    solver = Oracle(DOMAIN, faults=dict.fromkeys(wrong, Fault.WRONG))
    return evaluate(solver, DomainSuite(DOMAIN)).to_dict()


def heights(figure: Any) -> list[float]:
    (axes,) = figure.axes
    return [bar.get_height() for bar in axes.patches]


@pytest.mark.bug("S2-3d")
@pytest.mark.row("S2-P1", "S2-E2")
def test_a_bar_is_the_exact_match_of_its_length_and_says_its_counts() -> None:
    report = report_with("1+1", "2+2", "9+20")
    figure = by_length_figure(["one"], [report])
    cells = [report["by_answer_length"][length] for length in ("1", "2")]
    assert [cell["total"] - cell["correct"] for cell in cells] == [2, 1]
    assert heights(figure) == pytest.approx([100 * cell["correct"] / cell["total"] for cell in cells])
    texts = [text.get_text().split("\n")[1:] for text in figure.axes[0].texts]
    assert texts == [[f"{cell['correct']:,}", f"of {cell['total']:,}"] for cell in cells]
    assert not any("100 %" in text.get_text() for text in figure.axes[0].texts)


@pytest.mark.row("S2-P1")
def test_several_evaluations_are_bars_in_the_order_given() -> None:
    reports = [report_with("1+1", "2+2"), report_with("1+1"), report_with()]
    names = ["first", "second", "third"]
    figure = evaluations_figure(names, reports)
    assert heights(figure) == pytest.approx([100 * report["exact_match"] for report in reports])
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == names
    assert figure.axes[0].texts[-1].get_text() == "100 %\n672 of 672"
    assert len(heights(by_length_figure(names, reports))) == 6


@pytest.mark.bug("S2-3d")
@pytest.mark.row("S2-P1")
def test_plot_draws_reports_and_a_run_with_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"step": 1, "loss": 1.0, "learning_rate": 0.1, "val_loss": 1.0, "val_exact_match": 0.5, "val_total": 8}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "report.json").write_text(json.dumps(report_with("1+1")))
    (tmp_path / "other.json").write_text(json.dumps({"model": "other", **report_with()}))
    assert main(["plot", str(tmp_path), "--format", "svg"]) == 0
    assert {p.name for p in tmp_path.glob("*.svg")} == {"loss.svg", "accuracy.svg", "accuracy_by_length.svg"}
    out = tmp_path / "pictures"
    assert main(["plot", str(tmp_path / "report.json"), str(tmp_path / "other.json"), "--out", str(out)]) == 0
    assert {p.name for p in out.iterdir()} == {"accuracy_by_length.png", "accuracy_by_evaluation.png"}
    assert capsys.readouterr().out.count("wrote") == 5


def test_what_is_no_report_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    with pytest.raises(UserError, match="cannot read"):
        read_report(path)
    for text, words in (("{", "not JSON"), ("[]", "is no report"), ('{"total": 3}', "longhand evaluate MODEL")):
        path.write_text(text)
        with pytest.raises(UserError, match=words):
            read_report(path)


def test_plot_draws_one_run_or_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", str(tmp_path), str(tmp_path / "r.json")]) == 2
    assert "give one or the others" in capsys.readouterr().err
