"""Which engine may run here: its record, the choice, trusted plan files, the GPU, the operator's name."""
