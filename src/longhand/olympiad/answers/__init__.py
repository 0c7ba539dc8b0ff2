"""Answers of people and models: where one stands in a text, what number it is, whether two are the same."""
