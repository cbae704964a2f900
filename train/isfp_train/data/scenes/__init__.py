"""Scenes put together from sprites, from whole photos, and scenes that move."""
