"""Whole experiments, the flow of data written once from top to bottom."""
