"""Word problems and olympiad answers: data, answers, a recursive head on a language model, submissions."""
