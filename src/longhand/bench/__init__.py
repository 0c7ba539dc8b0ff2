"""Measures this code and named peers side by side."""
