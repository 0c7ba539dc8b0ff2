"""Which level the next batch is of: by one rule for all arms."""

from __future__ import annotations

import torch

from longhand.recipes.recursion.tasks import Task, keyed_generator

OF_ANY_LEVEL = 0.05
"""Share of the batches that are of any level, whatever the learner knows."""
AT_THE_LIMIT = 0.5
"""Share of the others that are of the highest level reached."""
KNOWN = 0.9
"""Share of right answers at a level, averaged over batches, with which the next one is reached."""
_MEMORY = 0.8


class Curriculum:
    """A task begins at its first level, and the next is reached when the last one is known.

    Nothing but how the learner did on its own batches decides, so that slow and fast ones, dear and cheap ones follow
    the same rule; a learner that stays behind is still shown batches of all levels.
    """

    def __init__(self, task: Task, seed: int) -> None:
        self.levels = task.trained
        self.reached = 0
        self._share = 0.0
        self._generator = keyed_generator("levels", task.name, seed)

    def draw(self) -> int:
        """The level of the next batch."""
        kind, which = torch.rand(2, generator=self._generator).tolist()
        if kind < OF_ANY_LEVEL:
            return self.levels[int(which * len(self.levels))]
        if kind < OF_ANY_LEVEL + (1 - OF_ANY_LEVEL) * AT_THE_LIMIT:
            return self.levels[self.reached]
        return self.levels[int(which * (self.reached + 1))]

    def see(self, level: int, share: float) -> None:
        """Take notice of the share of right answers in a batch of `level`."""
        if level != self.levels[self.reached]:
            return
        self._share = _MEMORY * self._share + (1 - _MEMORY) * share
        if self._share > KNOWN and self.reached + 1 < len(self.levels):
            self.reached, self._share = self.reached + 1, 0.5
