"""Phrases for scenes: what they say, the proof that one object fits, and how they are worded."""
