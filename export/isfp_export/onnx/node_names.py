"""Names of nodes that mean something to a later step: written by the exporter, read by the conversion to FP16."""

# Names of nodes begin with this where a whole module must stay in FP32: the guided filter divides by variances of a millionth.
KEEP_PREFIX = "guide/"
