"""Training of recursive models: deep supervision, shared weights per step, states that resume bit for bit."""
