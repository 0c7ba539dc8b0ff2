"""The rows of every layout as an automaton over integers."""
