"""Kernels in C++ for what PyTorch does slowly at small sizes; nothing depends on them being there."""
