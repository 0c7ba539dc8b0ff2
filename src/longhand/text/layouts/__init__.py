"""Which few tokens each token of schoolbook rows is written from."""
