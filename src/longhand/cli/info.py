"""`longhand info`: what a configuration or a model is, before and after training."""

from __future__ import annotations


