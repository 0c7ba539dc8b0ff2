"""Imported by the server from which worker processes are forked, and by nobody else.

A signal to the whole group of processes, as `timeout` and service managers send it, reaches the server too. If it ended
there, its workers could neither be waited for nor be told from dead ones while they save. So it outlasts SIGTERM, as it
outlasts SIGINT anyway, and ends when the process that started it does; the workers take SIGTERM as usual.
"""

from __future__ import annotations

import os
import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
