"""A checkpoint to a bundle: thresholds, model card, and the check against the checkpoint."""
