"""Files: written completely or not at all, and selected from folders."""
