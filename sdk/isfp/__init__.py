"""ISFP: point with words."""
