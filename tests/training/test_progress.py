from __future__ import annotations

import io

import pytest
from rich.console import Console

from longhand.training.progress import LiveBar, PlainLines, ProgressReport, Silence, make_progress

ROW = {"loss": 0.5, "val_exact_match": 0.25, "examples_per_second": 1234.5, "balance_loss": None}


def run(report: ProgressReport) -> None:
    report.start(0, 40)
    for step in range(1, 5):
        report.advance(step)
        report.show(step, ROW)
    report.say("a [message]")
    report.stop()


def test_plain_lines_are_seldom_and_the_last_one_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    run(PlainLines(seconds=1000))
    first, message, last = capsys.readouterr().out.splitlines()
    assert first.startswith("step 1/40")
    assert message == "a [message]"
    assert last.startswith("step 4/40  loss 0.5000  held-out exact match 25.00%  1,234 examples/s  ETA ")


def test_plain_lines_print_every_row_when_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    run(PlainLines(seconds=0))
    assert [line.split("/")[0] for line in capsys.readouterr().out.splitlines()] == [
        "step 1", "step 2", "step 3", "step 4", "a [message]",
    ]  # fmt: skip


def test_the_bar_shows_steps_and_measurements_on_one_line_of_a_narrow_terminal() -> None:
    screen = io.StringIO()
    run(LiveBar(Console(file=screen, force_terminal=True, width=80, highlight=False)))
    text = screen.getvalue()
    for word in ("4/40", "loss 0.5000", "held-out 25.00%", "1,234 ex/s", "ETA 0:00", "a [message]"):
        assert word in text
    assert text.count("\n") == 2  # the message and the end of the bar


def test_a_run_without_steps_prints_no_measurements(capsys: pytest.CaptureFixture[str]) -> None:
    report = PlainLines()
    report.start(0, 40)
    report.stop()
    assert capsys.readouterr().out == ""


def test_only_the_main_process_speaks_and_lines_are_for_what_is_no_terminal() -> None:
    assert isinstance(make_progress(is_main=False), Silence)
    assert isinstance(make_progress(is_main=True), PlainLines)  # pytest captures standard output
