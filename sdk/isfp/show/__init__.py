"""Pictures of results, and recordings for Rerun."""
