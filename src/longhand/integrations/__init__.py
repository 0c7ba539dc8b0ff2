"""longhand's models in other people's programs: thin, optional, and each tested with the real thing."""
