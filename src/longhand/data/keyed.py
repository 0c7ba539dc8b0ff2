"""Random generators named by what they are for, so that no state has to be carried along."""

from __future__ import annotations

import hashlib

import numpy as np


def keyed_generator(*key: object) -> np.random.Generator:
    """A Philox generator of its own for every key, for example `keyed_generator(seed, "train", step)`.

    The key is the BLAKE2b hash of its parts joined by `/`: neighbouring seeds and steps share nothing.
    """
    digest = hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
