"""Names of nodes with a meaning: the exporter writes them, and the conversion to FP16 reads them."""

# Prefix of nodes whose module must stay in FP32: the guided filter divides by variances of a millionth.
KEEP_PREFIX = "guide/"
