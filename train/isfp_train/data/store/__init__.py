"""Scenes and backbone maps on disk, and training samples from them."""
