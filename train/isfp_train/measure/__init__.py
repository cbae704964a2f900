"""Metrics of a checkpoint or a bundle, and pictures of test cases."""
