"""Problem, string and token ids, both ways."""
