"""Pictures of what the network sees, like the paper's Fig. 6, 8 and 9, and of the effect of each word."""
