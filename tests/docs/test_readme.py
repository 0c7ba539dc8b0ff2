"""Every command block of the README runs as written, the long ones in a short form."""

from __future__ import annotations
