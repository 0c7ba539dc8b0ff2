"""Flags of the systems that longhand continues, understood by our verbs: a table per system."""
