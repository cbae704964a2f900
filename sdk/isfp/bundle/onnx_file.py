"""The contents of an ONNX file, read from its protobuf alone, so that the SDK does not need the onnx package.

Field numbers are those of onnx.proto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from isfp.errors import BundleCorruptError

_MODEL_GRAPH, _GRAPH_NODE, _GRAPH_INITIALIZER = 7, 1, 5
_NODE_OP, _NODE_DOMAIN, _TENSOR_DIMS, _TENSOR_TYPE = 4, 7, 1, 2
# Where tensors may be: for each message, the fields that hold further messages, and which those are.
_MODEL, _GRAPH, _NODE, _ATTRIBUTE, _FUNCTION, _TRAINING, _SPARSE, _TENSOR = range(8)
_HOLDS = {
    _MODEL: {7: _GRAPH, 20: _TRAINING, 25: _FUNCTION},
    _GRAPH: {1: _NODE, 5: _TENSOR, 15: _SPARSE},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE},
    _FUNCTION: {7: _NODE, 11: _ATTRIBUTE},
    _TRAINING: {1: _GRAPH, 2: _GRAPH},
    _SPARSE: {1: _TENSOR, 2: _TENSOR},
    _TENSOR: {},
}
_TENSOR_NAME, _TENSOR_EXTERNAL, _TENSOR_LOCATION = 8, 13, 14
_DEEPEST = 200  # messages within messages; real files have about ten
_MOST_FIELDS = 1 << 20  # in a file; real ones have some thousand, and each takes microseconds and memory
_MOST_BYTES = 1 << 40  # of one tensor; no file holds as many
_TYPES = {1: ("fp32", 4), 2: ("uint8", 1), 3: ("int8", 1), 6: ("int32", 4), 7: ("int64", 8), 9: ("bool", 1), 10: ("fp16", 2)}
_TYPES |= {16: ("bf16", 2), 17: ("fp8", 1)}


@dataclass(frozen=True)
class OnnxSummary:
    """The contents of an ONNX file.

    Attributes:
        operators: how many nodes of each operator, with its domain where that is not ONNX's own.
        weights: bytes of the weights of each type.
    """

    operators: dict[str, int]
    weights: dict[str, int]

    @property
    def precision(self) -> str:
        """The type that most of the weights' bytes have; "int8" where convolutions are quantised."""
        floats = {kind: size for kind, size in self.weights.items() if kind in ("fp32", "fp16", "bf16", "int8", "fp8")}
        return max(floats, key=lambda kind: floats[kind]) if floats else "none"


def summarise(content: bytes, name: str) -> OnnxSummary:
    """Count an ONNX file's nodes and weights.

    Args:
        content: the file's content.
        name: its name, for the message.

    Raises:
        BundleCorruptError: it is not a protobuf message.
    """
    operators: Counter[str] = Counter()
    weights: Counter[str] = Counter()
    try:
        for graph in _messages(content, _MODEL_GRAPH):
            for field, value in _fields(graph):
                if field == _GRAPH_NODE and isinstance(value, bytes):
                    domain, operator = (_text(value, kind) for kind in (_NODE_DOMAIN, _NODE_OP))
                    operators[f"{domain}::{operator}" if domain else operator] += 1
                elif field == _GRAPH_INITIALIZER and isinstance(value, bytes):
                    kind, size = _TYPES.get(_number(value, _TENSOR_TYPE), ("other", 1))
                    if (bytes_ := prod(_dims(value)) * size) > _MOST_BYTES:
                        raise ValueError(f"a tensor is said to have more than {_MOST_BYTES} bytes")
                    weights[kind] += bytes_
    except ValueError as error:
        raise BundleCorruptError(f"{name} is not an ONNX file: {error}. Export the bundle again.") from error
    return OnnxSummary(dict(operators.most_common()), dict(weights.most_common()))


def refuse_external_data(content: bytes, name: str) -> None:
    """Refuse an ONNX file with weights in another file: no hash covers those, and a runtime would look for them where it runs.

    Args:
        content: the file's content.
        name: its name, for the message.

    Raises:
        BundleCorruptError: a tensor's values are in another file, or the file is not a protobuf message with a graph.
    """
    waiting = [(_MODEL, content, 0)]
    fields, has_graph = 0, False
    try:
        while waiting:
            kind, message, depth = waiting.pop()
            if depth > _DEEPEST:
                raise ValueError(f"it nests more than {_DEEPEST} messages")
            for field, value in _fields(message):
                fields += 1
                if fields > _MOST_FIELDS:
                    raise ValueError(f"it has more than {_MOST_FIELDS} fields")
                has_graph |= kind == _MODEL and field == _MODEL_GRAPH
                if kind == _TENSOR and (field == _TENSOR_EXTERNAL or (field == _TENSOR_LOCATION and value)):
                    raise BundleCorruptError(
                        f"{name} keeps the weights of {_text(message, _TENSOR_NAME)[:100]!r} in another file, which no hash "
                        "covers. Do not use this bundle unless you trust its source; export it with all weights inside."
                    )
                if isinstance(value, bytes) and field in _HOLDS[kind]:
                    waiting.append((_HOLDS[kind][field], value, depth + 1))
        if not has_graph:
            raise ValueError("it has no graph")
    except ValueError as error:
        raise BundleCorruptError(f"{name} is not an ONNX file: {error}. Export the bundle again.") from error


def _messages(content: bytes, wanted: int) -> Iterator[bytes]:
    return (value for field, value in _fields(content) if field == wanted and isinstance(value, bytes))


def _text(content: bytes, wanted: int) -> str:
    return next(_messages(content, wanted), b"").decode("utf-8")


def _number(content: bytes, wanted: int) -> int:
    return next((value for field, value in _fields(content) if field == wanted and isinstance(value, int)), 0)


def _dims(content: bytes) -> Iterator[int]:
    """Yield sizes, which writers put into a field each or pack into one."""
    for field, value in _fields(content):
        if field == _TENSOR_DIMS and isinstance(value, int):
            yield value
        elif field == _TENSOR_DIMS and isinstance(value, bytes):
            place = 0
            while place < len(value):
                size, place = _varint(value, place)
                yield size


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        if key & 7 == 0:
            number, place = _varint(content, place)
            yield key >> 3, number
            continue
        if key & 7 == 2:
            size, place = _varint(content, place)
        elif key & 7 in (1, 5):
            size = 8 if key & 7 == 1 else 4
        else:
            raise ValueError(f"field {key >> 3} has the wire type {key & 7}")
        if place + size > len(content):
            raise ValueError("it ends within a field")
        yield key >> 3, content[place : place + size]
        place += size


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(content):
            raise ValueError("it ends within a number")
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if shift > 70:
            raise ValueError("a number has more than ten bytes")
        if byte < 0x80:
            return value, place
