"""Does recursion help? Pre-registered arms and two ledgers of what they cost."""
