"""A training run: its configuration, scenes, targets, losses, step, loop and weights."""
