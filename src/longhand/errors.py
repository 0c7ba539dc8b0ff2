"""What a user may get wrong, and how the program says so."""

from __future__ import annotations


class UserError(ValueError):
    """A mistake in what the user asked for: one line with the offending value and the remedy.

    The command line prints the message and exits with status 2, without a traceback.
    """
