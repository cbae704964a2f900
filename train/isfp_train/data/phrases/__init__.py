"""Phrases for scenes: their meaning, the proof that one object fits, and their wording."""
