"""Word problems and olympiad answers: data, answers, a recursive head, generation, and the contest."""
