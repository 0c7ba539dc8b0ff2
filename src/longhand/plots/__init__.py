"""Figures from result files, never from a model."""
