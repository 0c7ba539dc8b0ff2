"""A contest of fifty problems in five hours: the server, the host it answers to, the clock, and the package."""
