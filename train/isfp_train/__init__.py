"""The paper's network in PyTorch, with training and evaluation."""
