"""The `longhand` command: one file per verb."""
