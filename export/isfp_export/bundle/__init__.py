"""Export of a checkpoint as a bundle: thresholds, model card, and verification."""
