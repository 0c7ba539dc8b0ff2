"""Word problems and olympiad answers: what an answer says, whether it is right, and which of many to give."""
