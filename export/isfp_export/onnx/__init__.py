"""The network's stages as ONNX files."""
