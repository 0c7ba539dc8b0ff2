"""Versions of models that never change, under names, with aliases that say which of them is in use."""
