"""`longhand olympiad`: word problems and contests, from making a model to a submission."""
