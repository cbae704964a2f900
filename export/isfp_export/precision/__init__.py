"""Stages in FP16, INT8 and FP8, and what that costs in accuracy."""
