"""Export of the network's stages to ONNX."""
