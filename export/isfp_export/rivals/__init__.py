"""Other ways to run a bundle's network, for `isfp bench --against`: PyTorch."""
