"""ADOPT: Adam that divides each gradient by what was known before it, and so converges with any beta2."""

from __future__ import annotations

import torch

from longhand.training.optimizer import AdamW


class Adopt(AdamW):
    """ADOPT with clipped updates and decoupled decay (arXiv:2411.02853, algorithm 2), on one vector.

    The gradient is divided by the root of the second moment of those before it, clipped to the fourth root of the step,
    and only then averaged. The first step moves nothing: it is what the second moment starts from. What decays, and
    what is kept, is as with AdamW.
    """

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move the weights by the gradients as they are now."""
        weights, gradients = self.parameters.weights, self.parameters.gradients
        self.steps += 1
        if self.steps == 1:
            torch.mul(gradients, gradients, out=self.second)
            return
        beta1, beta2 = self.betas
        largest = (self.steps - 1) ** 0.25
        root = torch.sqrt(self.second, out=self._scratch).clamp_(min=self.eps)
        update = torch.div(gradients, root, out=self._scratch).clamp_(-largest, largest)
        self.first.lerp_(update, 1 - beta1)
        if self.weight_decay:
            weights[: self._n_decayed].mul_(1 - learning_rate * self.weight_decay)
        weights.sub_(self.first, alpha=learning_rate)
        self.second.mul_(beta2).addcmul_(gradients, gradients, value=1 - beta2)
