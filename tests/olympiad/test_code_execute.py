"""Programs of samples, really run."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from longhand.errors import UserError
from longhand.olympiad.code_execute import CodeExecute, Limits, last_block, run_python
from longhand.olympiad.votes import Candidate


def block(code: str) -> str:
    return f"We compute:\n```python\n{code}\n```\nDone."


def test_the_last_closed_block_of_python_is_taken() -> None:
    text = block("print(1)") + "\n```text\nprint(9)\n```\n  ```py\nprint(2)\n  ```\n```python\nprint(3)"
    assert last_block(text) == "print(2)\n"
    assert last_block("no code ```x```") is None


def test_a_program_passes_if_its_last_line_is_the_answer_exactly() -> None:
    verify = CodeExecute(Limits(seconds=20))
    code = "from fractions import Fraction\nprint('steps')\nprint(Fraction(3, 6))\nprint()"
    assert verify("", Candidate("0.5", seed=0, text=block(code)))
    assert not verify("", Candidate("0.25", seed=0, text=block(code)))
    assert not verify("", Candidate(5, seed=0, text=block("print(5)\nraise SystemExit(3)")))
    assert not verify("", Candidate("", seed=0, text=block("pass")))
    assert verify("", Candidate(5, seed=0, text="no program"))
    assert not CodeExecute(without_code=False)("", Candidate(5, seed=0, text="no program"))


def test_a_program_sees_no_environment_and_an_empty_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_KEY", "a secret")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    ran = run_python("import os, sys\nprint(sorted(os.environ), os.listdir(), sys.stdin.read(), flush=True)")
    assert ran.outcome == "finished", ran.errors
    assert ran.last_line.startswith("['HOME', 'LANG', 'OMP_NUM_THREADS', 'PATH'] [")
    assert "secret" not in ran.output
    assert set(os.environ) > {"KAGGLE_KEY"}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("x = bytearray(1 << 29)", "MemoryError"),
        ("while True: print('x' * 1000)", "File too large"),
        ("open('/dev/null', 'w').write('x')\n1 / 0", "ZeroDivisionError"),
        ("def f(: pass", "SyntaxError"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", ""),
    ],
)
def test_a_program_that_goes_too_far_or_breaks_has_failed(code: str, error: str) -> None:
    ran = run_python(code, Limits(seconds=20, memory=1 << 28, file_size=100_000))
    assert ran.outcome == "failed"
    assert error in ran.errors
    assert len(ran.output) <= 20_000


def test_a_program_without_end_is_ended_with_all_it_started(tmp_path: Path) -> None:
    code = f"""
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for name in ("child", "daemon"):
    if os.fork() == 0:
        if name == "daemon":
            os.setsid()
            if os.fork():
                os._exit(0)
        open({str(tmp_path)!r} + "/" + name, "w").write(str(os.getpid()))
        time.sleep(600)
print("begun", flush=True)
while True:
    pass
"""
    ran = run_python(code, Limits(seconds=1.5))
    assert (ran.outcome, ran.last_line) == ("out of time", "begun")
    for name in ("child", "daemon"):
        assert _is_gone(int((tmp_path / name).read_text()))


def _is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody waited for yet has, too."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_where_there_is_no_linux_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UserError, match="on Linux only, and this is darwin"):
        run_python("print(1)")
