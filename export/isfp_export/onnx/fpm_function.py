"""The FPM scan as an ONNX local function of standard operators, so that any ONNX runtime can run `isfp::FPMScan`.

The body uses the batched form: the four paths are in one tensor, flipped so that each runs down and right, and each anti-diagonal
is one product. It is written for the grid size, channel count and activation of the network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from isfp.bundle.manifest import PHRASES_AXIS
from isfp.engines.fpm import DOMAIN, OPERATOR, VERSION
from isfp_train.network.fpm_scan import ACTIVATIONS, diagonal_order, diagonal_rows

OPSET = 18


class _Body:
    """Collects nodes; every value has its own name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []

    def add(self, operator: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        output = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, values: list[int] | list[list[int]] | np.ndarray) -> str:
        return self.add("Constant", [], value=numpy_helper.from_array(np.asarray(values, dtype=np.int64)))


def fpm_function(grid: int, channels: int, activation: str) -> onnx.FunctionProto:
    """Build the function.

    Args:
        grid: S.
        channels: C.
        activation: "tanh" or "leaky_relu".

    Returns:
        A function of domain `isfp` with inputs isf `[P,S,S,C]`, w1 `[4,C,C]`, w2 `[4,2,C,C]` and output `[P,S,S,C]`.
    """
    orders, inverses = diagonal_order(grid)
    cells = grid * grid
    body = _Body()
    # α occurs in every product with W2, so it is multiplied into the weights once.
    alpha = helper.make_node("Constant", [], ["alpha_value"])
    alpha.attribute.append(_reference("value_float", "alpha", onnx.AttributeProto.FLOAT))
    body.nodes.append(alpha)
    scaled = body.add("Mul", ["w2", body.add("CastLike", ["alpha_value", "w2"])])

    flat = body.add("Transpose", [body.add("Reshape", ["isf", body.constant([0, cells, channels])])], perm=[1, 0, 2])
    values = body.add("Gather", [flat, body.constant(np.array(orders))], axis=0)  # [4,S²,P,C]
    rows, full = body.constant([4, -1, channels]), body.constant([4, cells, -1, channels])
    values = body.add("Reshape", [body.add("MatMul", [body.add("Reshape", [values, rows]), "w1"]), full])
    hidden = _direction(body, values, _gathered(body, scaled, 0), grid, channels, activation, forward=True)
    hidden = _direction(body, hidden, _gathered(body, scaled, 1), grid, channels, activation, forward=False)

    # Back to the order of the cells: the states of path p are in rows p·S² … of one long axis.
    long = body.add("Reshape", [hidden, body.constant([4 * cells, -1, channels])])
    places = np.array(inverses) + cells * np.arange(4)[:, None]
    states = body.add("Gather", [long, body.constant(places)], axis=0)
    total = body.add("ReduceSum", [states, body.constant([0])], keepdims=0)
    total = body.add("Transpose", [body.add("Add", [flat, total])], perm=[1, 0, 2])
    body.add("Reshape", [total, body.constant([0, grid, grid, channels])], output="out")
    return helper.make_function(
        DOMAIN,
        OPERATOR,
        ["isf", "w1", "w2"],
        ["out"],
        body.nodes,
        [helper.make_opsetid("", OPSET)],
        attributes=["alpha", "activation", "slope"],
        doc_string="Feature Propagation Module scan (paper, Eq. 2 and 3); see docs/architecture.md.",
    )


def _gathered(body: _Body, weights: str, direction: int) -> str:
    index = body.add("Constant", [], value=numpy_helper.from_array(np.array(direction, dtype=np.int64)))
    return body.add("Gather", [weights, index], axis=1)


def _direction(body: _Body, values: str, weights: str, grid: int, channels: int, activation: str, forward: bool) -> str:
    """One direction of all paths over `[4,S²,P,C]` in diagonal order; the second one uses the reverse order."""
    count = 2 * grid - 1
    lengths = [last - first for first, last in (diagonal_rows(grid, d) for d in range(count))]
    names = [f"{'a' if forward else 'b'}{d}" for d in range(count)]
    body.nodes.append(helper.make_node("Split", [values, body.constant(lengths)], names, axis=1))
    order = list(range(count)) if forward else list(range(count))[::-1]
    rows = body.constant([4, -1, channels])
    states: dict[int, str] = {}
    for step, diagonal in enumerate(order):
        state = names[diagonal]
        if step:
            before = order[step - 1]
            # Forward, the incoming rows are i and i-1 of the previous diagonal, backward i and i+1; i∓1 of the one before that.
            side = -1 if forward else 1
            incoming = _shifted(body, states[before], grid, before, diagonal, 0)
            incoming = body.add("Add", [incoming, _shifted(body, states[before], grid, before, diagonal, side)])
            if step > 1:
                corner = _shifted(body, states[order[step - 2]], grid, order[step - 2], diagonal, side)
                incoming = body.add("Add", [incoming, corner])
            product = body.add("MatMul", [body.add("Reshape", [incoming, rows]), weights])
            shape = body.constant([4, lengths[diagonal], -1, channels])
            state = body.add("Add", [state, body.add("Reshape", [product, shape])])
        if activation == "tanh":
            states[diagonal] = body.add("Tanh", [state])
        else:
            node = helper.make_node("LeakyRelu", [state], [f"v{len(body.nodes)}"])
            node.attribute.append(_reference("alpha", "slope", onnx.AttributeProto.FLOAT))
            body.nodes.append(node)
            states[diagonal] = node.output[0]
    return body.add("Concat", [states[d] for d in range(count)], axis=1)


def _shifted(body: _Body, state: str, grid: int, has: int, wants: int, step: int) -> str:
    """Row i + step of diagonal `has` for each row i of diagonal `wants`; zeros outside the grid."""
    first, last = diagonal_rows(grid, has)
    low, high = (row + step for row in diagonal_rows(grid, wants))
    start, stop = max(low, first), min(high, last)
    if (start, stop) != (first, last):
        state = body.add("Slice", [state, body.constant([start - first]), body.constant([stop - first]), body.constant([1])])
    if (start, stop) != (low, high):
        state = body.add("Pad", [state, body.constant([0, start - low, 0, 0, 0, high - stop, 0, 0])])
    return state


def _reference(name: str, refers_to: str, kind: onnx.AttributeProto.AttributeType) -> onnx.AttributeProto:
    attribute = onnx.AttributeProto(name=name, type=kind)
    attribute.ref_attr_name = refers_to
    return attribute


def fpm_model(grid: int, channels: int, activation: str, alpha: float, slope: float) -> onnx.ModelProto:
    """A model with a single FPM scan, for tests and for reading. Its inputs and output are those of the node."""
    node = helper.make_node(
        OPERATOR,
        ["isf", "w1", "w2"],
        ["out"],
        domain=DOMAIN,
        alpha=alpha,
        activation=ACTIVATIONS.index(activation),
        slope=slope,
    )
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "fpm_scan",
        [
            value("isf", TensorProto.FLOAT, [PHRASES_AXIS, grid, grid, channels]),
            value("w1", TensorProto.FLOAT, [4, channels, channels]),
            value("w2", TensorProto.FLOAT, [4, 2, channels, channels]),
        ],
        [value("out", TensorProto.FLOAT, [PHRASES_AXIS, grid, grid, channels])],
    )
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, VERSION)],
        functions=[fpm_function(grid, channels, activation)],
        ir_version=9,
    )
