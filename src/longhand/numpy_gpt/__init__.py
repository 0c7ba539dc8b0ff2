"""A transformer in NumPy, with every gradient written by hand; it computes what the gpt2 family of `models` does."""
