"""The lines typed before, kept from one session to the next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from longhand.atomic import replacing_file
from longhand.errors import UserError

LINES_KEPT = 1000


def history_path() -> Path:
    """The file of the history, as the XDG base directory specification places it."""
    state = os.environ.get("XDG_STATE_HOME", "")
    home = Path(state) if Path(state).is_absolute() else Path("~/.local/state").expanduser()
    return home / "longhand" / "repl_history"


@contextmanager
def line_history() -> Iterator[None]:
    """Arrow keys bring back earlier lines; a file that cannot be read or written is done without."""
    try:
        import readline
    except ImportError:  # not on every platform
        yield
        return
    readline.clear_history()
    readline.set_history_length(LINES_KEPT)
    with suppress(OSError, RuntimeError):  # no such file, or nobody's home
        readline.read_history_file(history_path())
    try:
        yield
    finally:
        with suppress(OSError, RuntimeError, UserError), replacing_file(history_path()) as temporary:
            readline.write_history_file(temporary)
