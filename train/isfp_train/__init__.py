"""The network of the paper in PyTorch, and what trains and measures it."""
