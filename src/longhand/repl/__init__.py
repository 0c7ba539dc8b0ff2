"""A conversation with a solver in a terminal."""
