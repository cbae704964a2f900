"""Engines built from a bundle's stages."""
