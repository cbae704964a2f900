"""ESTIMATE the latency of a bundle's stages on GPUs that are not here: python tools/roofline.py BUNDLE [--json].

FLOPs and bytes are counted in the bundle's ONNX, and in that of `find`, which engines have, at the shapes of a real run. Each
kernel takes the longest of its arithmetic, its memory traffic and a launch. What is fused (activations, additions, shapes) is free;
letterbox and copies to and from the host are left out, and so is what `find` saves: an upload, a wait, and work that runs side by
side. It was not held against engines; see docs/tensorrt.md, "Latency".
"""

import json
import sys
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import onnxruntime
import typer
from rich.console import Console
from rich.table import Table

from isfp import IsfpError
from isfp.bundle.bundle import Bundle
from isfp.bundle.manifest import CANDIDATES_AXIS, FIND, PHRASES_AXIS
from isfp_export.onnx.graph_edits import attribute
from isfp_export.onnx.one_graph import PARTS, one_graph

DEVICES = Path(__file__).with_name("roofline_devices.json")
MARK = "ESTIMATE from FLOPs, bytes and launches; not measured"
# Nodes that become kernels of their own; TensorRT fuses the others into them, or computes them when it builds.
_PRODUCTS = {"Conv", "MatMul", "Gemm", "GRU", "FPMScan"}
_OTHERS = {"Resize", "AveragePool", "MaxPool", "GlobalAveragePool", "Softmax", "Concat", "ReduceMax", "ReduceMin"}
KERNELS = _PRODUCTS | _OTHERS
BYTES = {"fp32": 4, "fp16": 2, "int8": 1}


@dataclass(frozen=True)
class Kernel:
    """One kernel, or as many as must follow one another.

    Attributes:
        operator: of the node.
        flops: multiplications and additions, each counted.
        numbers: weights and activations read and written.
        steps: what cannot run at once: kernels of a GRU, anti-diagonals of the FPM scan.
    """

    operator: str
    flops: int
    numbers: int
    steps: int = 1


def main(
    bundle: Path,
    phrases: Annotated[int, typer.Option(min=1, help="Phrases that run together.")] = 1,
    precision: Annotated[str, typer.Option(help="fp32, fp16 or int8.")] = "fp16",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    if precision not in BYTES:
        raise IsfpError(f"The precision is {precision!r}; expected one of {', '.join(BYTES)}.")
    opened = Bundle.open(bundle)
    devices = json.loads(DEVICES.read_text(encoding="utf-8"))["devices"]
    stages: dict[str, dict[str, Any]] = {}
    for name in (*opened.manifest.stages, FIND):
        kernels = kernels_of(opened, name, phrases)
        stages[name] = {
            "gflop": round(sum(kernel.flops for kernel in kernels) / 1e9, 4),
            "megabytes": round(sum(kernel.numbers for kernel in kernels) * BYTES[precision] / 1e6, 3),
            "launches": sum(1 if kernel.operator == "FPMScan" else kernel.steps for kernel in kernels),
            "milliseconds": {
                device: round(sum(milliseconds(k, f, precision) for k in kernels), 3) for device, f in devices.items()
            },
        }
    each_frame = {device: round(sum(stages[s]["milliseconds"][device] for s in PARTS), 3) for device in devices}
    report = {
        "what": MARK,
        "phrases": phrases,
        "precision": precision,
        "stages": stages,
        "each_frame": each_frame,
        "devices": devices,
    }
    if as_json:
        print(json.dumps(report))
        return
    table = Table("stage", "GFLOP", "MB moved", "launches", *(f"{device}, ms" for device in devices), title=MARK)
    for name, stage in stages.items():
        times = (f"{value:.2f}" for value in stage["milliseconds"].values())
        table.add_row(name, f"{stage['gflop']:.3f}", f"{stage['megabytes']:.1f}", str(stage["launches"]), *times)
    table.add_section()
    table.add_row("each frame", "", "", "", *(f"{value:.2f}" for value in each_frame.values()))
    Console().print(table)
    Console().print(
        f"{phrases} phrase(s), {precision}; text is cached, so a frame is image, identify and mask, or find alone. "
        f"Devices: {DEVICES.name}"
    )


def milliseconds(kernel: Kernel, device: dict[str, Any], precision: str) -> float:
    """The longest of arithmetic, traffic and launches."""
    arithmetic = kernel.flops / (device["tflops"][precision] * 1e12 * device["reached"]["compute"])
    traffic = kernel.numbers * BYTES[precision] / (device["gigabytes_per_s"] * 1e9 * device["reached"]["bandwidth"])
    step = device["step_us"] if kernel.operator == "FPMScan" else device["launch_us"]
    return 1e3 * max(arithmetic, traffic, kernel.steps * step * 1e-6)


def kernels_of(bundle: Bundle, stage: str, phrases: int) -> list[Kernel]:
    """Count a stage's kernels at the shapes that a run with so many phrases, and one mask of each, gives."""
    model = (
        one_graph({name: _read(bundle, name) for name in PARTS}, bundle.manifest.grid) if stage == FIND else _read(bundle, stage)
    )
    shapes = _shapes(bundle, stage, model, phrases)
    return [_kernel(node, shapes) for node in model.graph.node if node.op_type in KERNELS]


def _read(bundle: Bundle, stage: str) -> onnx.ModelProto:
    return onnx.load_from_string(bundle.read(bundle.manifest.stages[stage].file))


def _shapes(bundle: Bundle, stage: str, model: onnx.ModelProto, phrases: int) -> dict[str, tuple[int, ...]]:
    """Run the stage once with every value between its nodes as an output, and look at their shapes."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    wanted = [name for node in model.graph.node for name in node.output if name]
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    del exposed.graph.output[:]
    exposed.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in wanted)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(exposed.SerializeToString(), options, providers=["CPUExecutionProvider"])
    sizes = {PHRASES_AXIS: phrases, CANDIDATES_AXIS: 1}
    inputs = {}
    for tensor in bundle.manifest.stage(stage).inputs:
        shape = tuple(sizes[size] if isinstance(size, str) else size for size in tensor.shape)
        inputs[tensor.name] = np.ones(shape, tensor.dtype)
        shapes[tensor.name] = shape
    shapes.update((name, np.shape(value)) for name, value in zip(wanted, session.run(wanted, inputs), strict=True))
    return shapes


def _kernel(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]]) -> Kernel:
    inputs = [shapes[name] for name in node.input if name]
    out = shapes[node.output[0]]
    flops, steps = 0, 1
    if node.op_type == "Conv":
        flops = 2 * prod(out) * prod(inputs[1][1:])  # weights [out, in/groups, h, w]
    elif node.op_type in ("MatMul", "Gemm"):
        flops = 2 * prod(out) * inputs[0][-2 if attribute(node, "transA", 0) else -1]
    elif node.op_type == "GRU":
        (length, batch, width), hidden = inputs[0], inputs[2][-1]
        directions = inputs[1][0]
        flops = 2 * length * batch * directions * 3 * hidden * (width + hidden)
        steps = length
    elif node.op_type == "FPMScan":
        phrases, size, _, channels = inputs[0]
        flops = 2 * phrases * size * size * channels * channels * 12  # four paths: W1, and W2 in both directions
        steps = 2 * (2 * size - 1)
    return Kernel(node.op_type, flops, prod(out) + sum(prod(shape) for shape in inputs), steps)


if __name__ == "__main__":
    try:
        typer.run(main)
    except IsfpError as error:
        sys.exit(f"roofline: {error}")
