"""Training data: sources of scenes, their storage, and training samples."""
