"""The programs that are compared, one per file; none is imported but by its own worker process."""
