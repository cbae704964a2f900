"""Phrases for scenes: what they say, the proof that one thing fits, and how they are worded."""
