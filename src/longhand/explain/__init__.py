"""What a model does while it writes."""
