"""The name and version of the FPM scan, `isfp::FPMScan`, as ONNX files and TensorRT's plugin registry know it."""

DOMAIN = "isfp"  # of the ONNX operator; the plugin's namespace too
OPERATOR = "FPMScan"
VERSION = 1  # of the operator; the plugin's version is this number as text
PLUGIN_VERSION = str(VERSION)
