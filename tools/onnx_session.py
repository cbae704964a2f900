"""ONNX Runtime on the CPU, set as the SDK sets it, for the programs `bench_*.py` beside it."""

from __future__ import annotations

import onnx
import onnxruntime


def open_session(model: onnx.ModelProto, threads: int) -> onnxruntime.InferenceSession:
    """Load a model; its threads do not spin after their work, because they would take the cores from what is measured next."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
