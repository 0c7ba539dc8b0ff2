"""How often a solver is right, and where it is wrong."""
