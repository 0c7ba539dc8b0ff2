"""Where a conversation is read and written: a terminal with shades and a history, or plain text through a pipe."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

SYMBOLS = {
    "ask": "➤", "think": "💭", "output": "✨", "thoughts": "🤔", "steps": "🧮", "right": "✅", "wrong": "❌",
    "current": "📝", "likely": "🎯", "choose": "➜", "error": "⚠️ ",
}  # fmt: skip


class Screen:
    """Standard input and output; colours follow the terminal and NO_COLOR, symbols what the encoding can write."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
        self._echoes = not sys.stdin.isatty()  # a terminal has shown what was typed, a pipe has not
        self._can_write = _encodes("".join(SYMBOLS.values()) + "█")

    @property
    def has_shades(self) -> bool:
        """Whether shades of grey can be told apart."""
        return self._console.is_terminal and not self._console.no_color and self._console.color_system is not None

    @property
    def bar(self) -> str:
        """What bars are drawn with."""
        return "█" if self._can_write else "#"

    def say(self, line: str | Text = "", symbol: str = "", *, indent: int = 0) -> None:
        """Write one line, `indent` columns in, with the symbol of that name in front if there is one."""
        self._console.print(Text(" " * indent + self._symbol(symbol)).append(line))

    def ask(self, question: str, symbol: str) -> str:
        """Write a question and read the answer without spaces at its ends; raises `EOFError` at the end of input."""
        prompt = f"{self._symbol(symbol)}{question} "
        if not self._echoes:
            return input(prompt).strip()
        print(prompt, end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        print(line.strip())
        return line.strip()

    def _symbol(self, name: str) -> str:
        return f"{SYMBOLS[name]} " if name and self._can_write else ""


def _encodes(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
