"""The next batch is made while the model works on this one."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def prefetched(make: Callable[[int], Item], start: int, stop: int) -> Generator[Item, None, None]:
    """Yield `make(start)` to `make(stop - 1)`, each made by another thread while its predecessor is in use.

    An error in `make` is raised where its item would have come. Leaving the loop early waits for the item under way.
    """
    if start >= stop:
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch") as pool:
        coming = pool.submit(make, start)
        for index in range(start + 1, stop):
            item = coming.result()
            coming = pool.submit(make, index)
            yield item
        yield coming.result()
