"""From weights to bundles and engines."""
