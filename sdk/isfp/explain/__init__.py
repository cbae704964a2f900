"""Pictures of what the network sees, as the paper's Fig. 6, 8 and 9 show it, and what each word does."""
