"""Export of weights to bundles and engines."""
