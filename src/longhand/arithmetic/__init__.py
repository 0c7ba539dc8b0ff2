"""What a problem is, and who is right."""
