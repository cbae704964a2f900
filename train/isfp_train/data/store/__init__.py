"""Scenes and backbone maps on disk, and the training samples made of them."""
