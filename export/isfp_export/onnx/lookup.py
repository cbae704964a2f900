"""The channel lookup (`isfp.steps.lookup.best_cells`) as nodes of standard operators: the same cell to the bit.

Every step is exact, or is added in the order of the SDK's: comparisons, minima and maxima instead of ArgMax, whose choice among
equal values TensorRT leaves open. If a map holds NaN, the cell is the last one, so that it is valid; the SDK refuses such a map.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from isfp.bundle.manifest import PHRASES_AXIS
from isfp.steps.lookup import ALIKE, BESIDE, CORNER

OPSET = 18
MAPS, CELLS = "identifying", "cells"


def lookup_model(grid: int) -> onnx.ModelProto:
    """Return the lookup for maps of this size: `identifying` float32 `[P,S,S]` -> `cells` int32 `[P,1]`."""
    graph = _Graph(grid)
    centre = graph.padded_view(0, 0)
    corners = graph.sum_of_pairs(((-1, -1), (1, 1)), ((-1, 1), (1, -1)))
    beside = graph.sum_of_pairs(((-1, 0), (1, 0)), ((0, -1), (0, 1)))
    near = graph.add("Add", centre, graph.add("Mul", corners, graph.scalar("corner", CORNER)))
    weighed = graph.flat(graph.add("Add", near, graph.add("Mul", beside, graph.scalar("beside", BESIDE))))

    scores = graph.flat(MAPS)
    numbers = graph.constant("numbers", np.arange(grid * grid, dtype=np.float32)[None])
    highest = graph.largest(scores)
    best = graph.first(graph.add("Equal", scores, highest), numbers)
    # Row and column of the best cell. Half a cell is added, so that no rounding of the quotient matters.
    row = graph.add("Floor", graph.add("Div", graph.add("Add", best, graph.scalar("half", 0.5)), graph.scalar("size", grid)))
    column = graph.add("Sub", best, graph.add("Mul", row, "size"))
    places = np.divmod(np.arange(grid * grid), grid)
    inside = [
        graph.at_most_one_apart(place, graph.constant(name, values.astype(np.float32)[None]))
        for place, name, values in ((row, "rows", places[0]), (column, "columns", places[1]))
    ]
    alike = graph.add("GreaterOrEqual", scores, graph.add("Mul", highest, graph.scalar("alike", ALIKE)))
    eligible = graph.add("And", graph.add("And", *inside), alike)
    values = graph.add("Where", eligible, weighed, graph.scalar("less_than_any", -1.0))
    # Sums are not negative, so -1 is the value of no eligible cell.
    middle = graph.first(graph.add("Equal", values, graph.largest(values)), numbers)
    graph.nodes.append(helper.make_node("Cast", [middle], [CELLS], name="to_index", to=TensorProto.INT32))
    return graph.model()


class _Graph:
    """Nodes and constants of the lookup, by running names."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, np.ndarray] = {
            "axis": np.array([1], np.int64),
            "axes": np.array([1, 2], np.int64),
            "as_row": np.array([-1, size * size], np.int64),
        }
        pads = self.constant("pads", np.array([0, 1, 1, 0, 1, 1], np.int64))
        self._padded = self.add("Pad", MAPS, pads)

    def constant(self, name: str, value: np.ndarray) -> str:
        self._constants[name] = value
        return name

    def scalar(self, name: str, value: float | np.floating) -> str:
        return self.constant(name, np.array([[value]], np.float32))

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def padded_view(self, down: int, aside: int) -> str:
        """Return the map moved by a cell, with zeros from outside: at (i,j) the neighbour (i+down, j+aside)."""
        starts, name = np.array([1 + down, 1 + aside], np.int64), f"{down}_{aside}"
        first = self.constant(f"from_{name}", starts)
        last = self.constant(f"to_{name}", starts + self.size)
        return self.add("Slice", self._padded, first, last, "axes")

    def sum_of_pairs(self, *pairs: tuple[tuple[int, int], tuple[int, int]]) -> str:
        one, other = (self.add("Add", self.padded_view(*a), self.padded_view(*b)) for a, b in pairs)
        return self.add("Add", one, other)

    def flat(self, maps: str) -> str:
        return self.add("Reshape", maps, "as_row")

    def largest(self, values: str) -> str:
        return self.add("ReduceMax", values, "axis", keepdims=1)

    def first(self, chosen: str, numbers: str) -> str:
        """Return the lowest number that is chosen in each row; the last one if none is."""
        return self.add("ReduceMin", self.add("Where", chosen, numbers, self.scalar("last", self.size**2 - 1)), "axis", keepdims=1)

    def at_most_one_apart(self, place: str, places: str) -> str:
        return self.add("LessOrEqual", self.add("Abs", self.add("Sub", places, place)), self.scalar("one", 1.0))

    def model(self) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "lookup",
            [helper.make_tensor_value_info(MAPS, TensorProto.FLOAT, [PHRASES_AXIS, self.size, self.size])],
            [helper.make_tensor_value_info(CELLS, TensorProto.INT32, [PHRASES_AXIS, 1])],
            [numpy_helper.from_array(value, name) for name, value in self._constants.items()],
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        onnx.checker.check_model(made, full_check=True)
        return made
