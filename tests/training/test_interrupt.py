from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from longhand.training.interrupt import TrainingInterrupted, stop_on_signal
from longhand.training.loop import train
from longhand.training.progress import Silence
from longhand.training.run_config import RunConfig, load_run_config
from longhand.training.run_directory import RunDirectory


class SignalAfter(Silence):
    """Sends this process signals after a step, as a user or a scheduler would."""

    def __init__(self, step: int, *signals: signal.Signals) -> None:
        self.step, self.signals = step, signals
        self.said: list[str] = []

    def advance(self, step: int) -> None:
        if step == self.step:
            for number in self.signals:
                os.kill(os.getpid(), number)

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_saves_says_how_to_resume_and_goes_on_as_if_nothing_had_been(
    tiny: Callable[..., RunConfig], tmp_path: Path, number: signal.Signals
) -> None:
    config = tiny(model={"dropout": 0.1})
    whole = train(config, tmp_path / "whole")
    progress = SignalAfter(5, number)
    with pytest.raises(TrainingInterrupted) as caught:
        train(config, tmp_path / "parts", progress=progress)
    assert progress.said[1:] == [str(caught.value)]  # after what was chosen
    directory = RunDirectory(tmp_path / "parts")
    assert directory.saved_steps()[-1] == 6  # the step under way is finished
    assert f"--config {directory.config} --output-dir {directory.path} --resume auto" in progress.said[1]
    assert load_run_config(directory.config) == config
    result = train(config, tmp_path / "parts", resume="auto")
    assert (result.model_dir / "model.safetensors").read_bytes() == (whole.model_dir / "model.safetensors").read_bytes()


def test_an_interruption_in_the_last_step_comes_too_late(tiny: Callable[..., RunConfig], tmp_path: Path) -> None:
    assert train(tiny(), tmp_path / "run", progress=SignalAfter(12, signal.SIGINT)).finish == "max_steps"


def test_a_second_ctrl_c_ends_the_run_at_once(tiny: Callable[..., RunConfig], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        train(tiny(), tmp_path / "run", progress=SignalAfter(5, signal.SIGINT, signal.SIGINT))
    assert not isinstance(caught.value, TrainingInterrupted)
    assert RunDirectory(tmp_path / "run").saved_steps() == [4]


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stop_on_signal(insist=True) as stop:
        assert not stop
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_thread_that_may_not_handle_signals_trains_all_the_same() -> None:
    seen: list[bool] = []

    def work() -> None:
        with stop_on_signal(insist=True) as stop:
            seen.append(bool(stop))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
