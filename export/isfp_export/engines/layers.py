"""The layers of an engine, as listed by its builder, and the check that they compute in the requested precision."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isfp.errors import IsfpError

# Names of element types in builders. TensorRT 10.3 writes them inside descriptions of formats ("Row major linear FP16 format").
_TYPES = {
    "fp32": ("float", "fp32", "tf32"),
    "fp16": ("half", "fp16"),
    "int8": ("int8",),
    "fp8": ("fp8", "fp8 e4m3", "e4m3"),
    "int32": ("int32",),
    "int64": ("int64",),
    "uint8": ("uint8",),
    "bool": ("bool",),
    "bf16": ("bfloat16", "bf16"),
}
_NAMES = {name: ours for ours, names in _TYPES.items() for name in names}
_WIDTHS = {"fp32": 4, "fp16": 2, "bf16": 2, "int8": 1, "fp8": 1}

_HEAD = re.compile(r"Name: (?P<name>.*?), LayerType: (?P<kind>[^,]*)")
_TENSORS = re.compile(r"Inputs: \[(?P<inputs>.*?)\], Constants: \[.*?\], Outputs: \[(?P<outputs>.*?)\], TacticName: ")
_BRACKETED = re.compile(r"Datatype: ([^,}\]]+)")
_ORIGIN = re.compile(r"\[ONNX Layer: ([^\]]*)\]")
# Kernels between products: they include scales, biases and activations of quantised convolutions, under the convolutions' names.
_ELEMENTWISE = {"kgen", "reformat", "move", "noop", "pointwise", "pointwisev2", "shuffle", "scale", "shape_call", "constant"}


class EnginePrecisionError(IsfpError):
    """A builder made an engine that does not compute in the requested precision."""


@dataclass(frozen=True)
class Layer:
    """One layer of an engine.

    Attributes:
        name: name given by the builder.
        kind: type of layer, as named by the builder.
        inputs: element types of the inputs.
        outputs: element types of the outputs.
        nodes: ONNX nodes that it was built from; those of a local function end in the name of the calling node.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[str, ...]


def from_message(message: str) -> list[Layer]:
    """Read the builder's VERBOSE message that starts with `Layers:`. TensorRT-RTX has no inspector without a GPU.

    Raises:
        EnginePrecisionError: the message lists no layers.
    """
    layers = []
    for line in message.split("I/O Tensors:")[0].splitlines():
        if head := _HEAD.match(line):
            tensors = _TENSORS.search(line)
            inputs, outputs = (tensors["inputs"], tensors["outputs"]) if tensors else ("", "")
            layers.append(
                Layer(head["name"], head["kind"], _listed(inputs), _listed(outputs), _origin(line.partition("Metadata: ")[2]))
            )
    if not layers:
        raise EnginePrecisionError(
            "The builder's list of layers cannot be read, so the precision of the engine is unknown and the engine is discarded. "
            f"The message starts with {message[:200]!r}"
        )
    return layers


def from_inspector(information: str) -> list[Layer]:
    """Read the JSON of TensorRT's engine inspector, with detailed profiling verbosity.

    Raises:
        EnginePrecisionError: it contains no detailed layers.
    """
    try:
        entries = json.loads(information).get("Layers", [])
    except ValueError as error:
        raise EnginePrecisionError(f"The output of the engine inspector is not JSON ({error}); the engine is discarded.") from error
    layers = [
        Layer(
            str(entry.get("Name", "")),
            str(entry.get("LayerType", "")),
            tuple(_inspected(tensor) for tensor in entry.get("Inputs", [])),
            tuple(_inspected(tensor) for tensor in entry.get("Outputs", [])),
            _origin(str(entry.get("Metadata", ""))),
        )
        for entry in entries
        if isinstance(entry, dict)
    ]
    if not layers:
        raise EnginePrecisionError(
            "The engine inspector lists no layers in detail, so the precision of the engine is unknown and the engine is "
            "discarded. Build with profiling_verbosity DETAILED."
        )
    return layers


def element_type(text: str) -> str:
    """Return our name of an element type ("fp16") for the builder's ("Half", "Row major linear FP16 format (kLINEAR)")."""
    plain = text.strip().lower()
    if plain in _NAMES:
        return _NAMES[plain]
    for word in re.findall(r"[a-z]+\d*", plain):
        if word in _NAMES:
            return _NAMES[word]
    return plain


@dataclass(frozen=True)
class Computed:
    """What a stage's convolutions and products compute in.

    Attributes:
        nodes: the precision of each node, by its ONNX name; a builder may remove some nodes.
        doubts: where the builder's list of layers says something wider than the network, in words.
    """

    nodes: dict[str, str]
    doubts: list[str]


def check_precision(
    stage: str,
    layers: list[Layer],
    wanted: Mapping[str, str],
    network: Mapping[str, str] | None = None,
    network_decides: bool = False,
) -> Computed:
    """Check every convolution and product against the requested precision.

    Args:
        stage: name of the stage, for the message.
        layers: layers of the engine.
        wanted: requested precision of each node, by its ONNX name.
        network: input type of each node in the strongly typed network; it is used if the builder merged nodes into a layer without
            details ("Myelin" in older versions of TensorRT 10).
        network_decides: the network counts for every node that it has, and the list of layers only raises doubts. TensorRT keeps
            the types of a strongly typed network, but lists a layer that absorbed the cast before a product with the cast's input.

    Raises:
        EnginePrecisionError: a node computes in a wider type, or the builder lists none of them.
    """
    found: dict[str, str] = {}
    for products in (True, False):
        seen: dict[str, str] = {}
        for layer in layers:
            computed = computes_in(layer)
            if computed is None or layer.kind.lower() == "myelin" or (layer.kind.lower() not in _ELEMENTWISE) is not products:
                continue
            for node in layer.nodes:
                name = node.rsplit(" | ", 1)[-1].removesuffix(" (FPMScan)")
                if name in wanted and name not in found and _WIDTHS[computed] >= _WIDTHS[seen.get(name, "int8")]:
                    seen[name] = computed
        found.update(seen)
    # A Q/DQ pair in the network is no proof that the builder fused it, so where the list of layers decides, it alone counts.
    known = (*wanted.values(),) if network_decides else ("fp16", "fp32")
    in_network = {name: kind for name, kind in (network or {}).items() if wanted.get(name) in known}
    doubts = [
        f"{name} is listed with {listed}, and is {in_network[name]} in the network"
        for name, listed in sorted(found.items())
        if network_decides and name in in_network and _WIDTHS[listed] > _WIDTHS[in_network[name]]
    ]
    found = {**found, **in_network} if network_decides else {**in_network, **found}
    wrong = {name: precision for name, precision in found.items() if precision != wanted[name] and wanted[name] != "fp32"}
    if wrong:
        listed = "; ".join(
            f"{name} computes in {precision}, expected {wanted[name]}" for name, precision in sorted(wrong.items())[:5]
        )
        raise EnginePrecisionError(
            f"The {stage} engine does not have the requested precision: {listed} ({len(wrong)} of {len(wanted)}). It is "
            "discarded. Use another precision, or exclude these nodes with --keep NODE."
        )
    if wanted and not found:
        raise EnginePrecisionError(
            f"The builder lists none of the {stage} stage's {len(wanted)} convolutions and products, so the precision of the "
            "engine is unknown and the engine is discarded. Please report this with the version of the builder."
        )
    return Computed(found, doubts)


def computes_in(layer: Layer) -> str | None:
    """Return the type in which a layer computes: the narrowest float or quantised type of its inputs; None if it has none."""
    types = [kind for kind in layer.inputs if kind in _WIDTHS]
    return min(types, key=_WIDTHS.__getitem__) if types else None


def table(layers: list[Layer]) -> dict[str, Any]:
    """Count the layers of an engine: in total, by kind, and by the type in which they compute."""
    kinds = Counter(layer.kind for layer in layers)
    types = Counter(computes_in(layer) or "none" for layer in layers)
    return {"layers": len(layers), "kinds": dict(sorted(kinds.items())), "types": dict(sorted(types.items()))}


def _listed(text: str) -> tuple[str, ...]:
    return tuple(map(element_type, _BRACKETED.findall(text)))


def _inspected(tensor: Any) -> str:
    if not isinstance(tensor, dict):
        return ""
    return element_type(str(tensor.get("Datatype") or tensor.get("Format/Datatype") or tensor.get("Format") or ""))


def _origin(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in _ORIGIN.findall(text))
