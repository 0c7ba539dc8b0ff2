"""The profiles by name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from longhand.data.profiles.exhaustive import EXHAUSTIVE
from longhand.data.profiles.mathqa import MATHQA
from longhand.data.profiles.mini import MINI
from longhand.data.profiles.poc import POC
from longhand.data.profiles.profile import Profile
from longhand.data.profiles.think import THINK
from longhand.errors import UserError

PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (POC, MINI, THINK, MATHQA, EXHAUSTIVE)}


def find_profile(name: str) -> Profile:
    """Return a profile by name; raises `UserError` with the nearest name for an unknown one."""
    if name in PROFILES:
        return PROFILES[name]
    close = get_close_matches(name, PROFILES, n=1)
    remedy = f"did you mean {close[0]}?" if close else f"known are {', '.join(PROFILES)}"
    raise UserError(f"unknown profile {name!r}; {remedy}")
