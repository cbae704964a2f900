"""Scenes composed of sprites, scenes from photos, and clips."""
