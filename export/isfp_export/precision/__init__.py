"""Stages in FP16, INT8 and FP8, and their accuracy."""
