"""Translation of PyTorch's `isfp::fpm_scan` to ONNX: a single node, FPMScan of the domain isfp."""

from __future__ import annotations

from typing import Any

import onnxscript
from onnx.defs import OpSchema

from isfp.engines.fpm import DOMAIN, OPERATOR, VERSION
from isfp_train.network.fpm_scan import ACTIVATIONS

_SCHEMA = OpSchema(
    OPERATOR,
    DOMAIN,
    VERSION,
    inputs=[OpSchema.FormalParameter(name, "T") for name in ("isf", "w1", "w2")],
    outputs=[OpSchema.FormalParameter("out", "T")],
    attributes=[
        OpSchema.Attribute("alpha", OpSchema.AttrType.FLOAT),
        OpSchema.Attribute("activation", OpSchema.AttrType.INT),
        OpSchema.Attribute("slope", OpSchema.AttrType.FLOAT),
    ],
    type_constraints=[("T", ["tensor(float)"], "The stages are exported in FP32.")],
)
_NODE = onnxscript.values.Op(onnxscript.values.Opset(DOMAIN, VERSION), OPERATOR, _SCHEMA)


def fpm_scan_node(isf: Any, w1: Any, w2: Any, alpha: float, activation: str, slope: float) -> Any:
    """Write the node; the arguments are those of `torch.ops.isfp.fpm_scan`."""
    return _NODE(isf, w1, w2, alpha=alpha, activation=ACTIVATIONS.index(activation), slope=slope)
