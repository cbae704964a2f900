"""Scenes to learn from: where they come from, how they are stored, and how they reach the network."""
