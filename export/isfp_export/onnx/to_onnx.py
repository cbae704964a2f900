"""Export a stage to ONNX: named, simplified and checked, with the FPM scan as one node and its definition as a function."""

from __future__ import annotations

import warnings

import onnx
import onnxslim
import torch

from isfp.engines.fpm import DOMAIN, VERSION
from isfp_export.onnx.fold_normalisation import fold_normalisation
from isfp_export.onnx.fpm_function import OPSET, fpm_function
from isfp_export.onnx.fpm_node import fpm_scan_node
from isfp_export.onnx.node_names import KEEP_PREFIX
from isfp_export.onnx.pad_channels import pad_channels
from isfp_export.onnx.stages import ExportStage
from isfp_train.network import NetworkConfig

IR_VERSION = 9  # the first version for opset 20, supported since ONNX Runtime 1.17


def stage_to_onnx(stage: ExportStage, config: NetworkConfig) -> onnx.ModelProto:
    """Export one stage.

    Returns:
        A checked model, opset 18.
    """
    axes = {name: torch.export.Dim(name, min=1, max=4096) for dims in stage.dynamic.values() for name in dims.values()}
    # Example sizes must not equal a static size, or the exporter may confuse them: examples use 2 and 3.
    shapes = tuple({axis: axes[name] for axis, name in stage.dynamic.get(key, {}).items()} or None for key in stage.inputs)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            stage.module,
            tuple(value.clone() for value in stage.inputs.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(stage.inputs),
            output_names=list(stage.outputs),
            dynamic_shapes=shapes,
            custom_translation_table={torch.ops.isfp.fpm_scan.default: fpm_scan_node},
            optimize=True,
            verbose=False,
        )
    assert program is not None
    return finish(program.model_proto, stage.name, config)


def finish(model: onnx.ModelProto, name: str, config: NetworkConfig) -> onnx.ModelProto:
    """Simplify the model, remove data of the exporter, add the body of the FPM scan, and check the result."""
    _name_guide(model)
    model = pad_channels(fold_normalisation(onnxslim.slim(model)))
    model.graph.name = name
    model.producer_name = "isfp"
    model.ir_version = IR_VERSION
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for group in (model.graph.value_info, model.graph.input, model.graph.output):
        for value in group:
            del value.metadata_props[:]
    del model.functions[:]
    if any(node.domain == DOMAIN for node in model.graph.node):
        model.functions.append(fpm_function(config.grid, config.instance_channels, config.activation))
    kept = [entry for entry in model.opset_import if entry.domain in ("", DOMAIN)]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    if not any(entry.domain == DOMAIN for entry in kept) and model.functions:
        model.opset_import.append(onnx.helper.make_opsetid(DOMAIN, VERSION))
    onnx.checker.check_model(model, full_check=True)
    return model


def _name_guide(model: onnx.ModelProto) -> None:
    """Mark the guided filter's nodes by their names, while the exporter's metadata still tells where a node comes from."""
    for node in model.graph.node:
        if any(entry.key == "namespace" and "refinement.guide:" in entry.value for entry in node.metadata_props):
            node.name = f"{KEEP_PREFIX}{node.name}"
