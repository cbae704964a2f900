"""What this machine can run, what is in a bundle, and how fast it is."""
