"""Word problems, answers of olympiads, a recursive head, and the contest they were made for."""
