"""Buffer planning: how large each input and output of a stage can get, and how phrases beyond the profile are grouped."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from isfp.bundle.manifest import REMEDY, Stage, Tensor
from isfp.engines.record import Span
from isfp.errors import EngineMismatchError

PHRASES, CANDIDATES = "P", "K"  # the dynamic axes of the stages


@dataclass(frozen=True)
class TensorPlan:
    """One input or output: its shape with the names of its dynamic axes, and the bytes of its largest."""

    name: str
    dtype: np.dtype
    shape: tuple[int | str, ...]
    bytes: int

    @property
    def dynamic(self) -> bool:
        """Whether an axis depends on how many phrases or candidates there are."""
        return any(isinstance(size, str) for size in self.shape)

    def at(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Return its shape where the dynamic axes have these sizes."""
        return tuple(sizes[size] if isinstance(size, str) else size for size in self.shape)

    def cut(self, value: Any, piece: Mapping[str, slice]) -> Any:
        """Return the piece of a value; what has no dynamic axis is whole in each piece."""
        return value[tuple(piece.get(str(size), slice(None)) for size in self.shape)] if self.dynamic else value


@dataclass(frozen=True)
class StagePlan:
    """A stage's tensors with the most that each can hold, and the spans of its dynamic axes."""

    name: str
    inputs: tuple[TensorPlan, ...]
    outputs: tuple[TensorPlan, ...]
    spans: dict[str, Span]

    def sizes(self, inputs: Mapping[str, Any]) -> dict[str, int]:
        """Return the sizes of the dynamic axes in these inputs.

        Raises:
            ValueError: names, types or shapes are not the stage's, or contradict one another.
        """
        if inputs.keys() != {tensor.name for tensor in self.inputs}:
            raise ValueError(f"the inputs are {sorted(inputs)}; expected {sorted(tensor.name for tensor in self.inputs)}")
        sizes: dict[str, int] = {}
        for tensor in self.inputs:
            value = inputs[tensor.name]
            if value.dtype != tensor.dtype:
                raise ValueError(f"{tensor.name} is of {value.dtype}; expected {tensor.dtype}")
            good = len(value.shape) == len(tensor.shape) and all(
                found == (sizes.setdefault(want, found) if isinstance(want, str) else want)
                for found, want in zip(value.shape, tensor.shape, strict=True)
            )
            if not good:
                expected = [sizes.get(str(size), size) for size in tensor.shape]
                raise ValueError(f"{tensor.name} is {list(value.shape)}; expected {expected}")
        return sizes

    def pieces(self, sizes: Mapping[str, int]) -> list[dict[str, slice]]:
        """Return the pieces in which inputs of these sizes run, each within the profile: as few as can be, of like size.

        Raises:
            ValueError: there are fewer phrases or candidates than the profile's least.
        """
        pieces: list[dict[str, slice]] = [{}]
        for axis, size in sizes.items():
            span = self.spans[axis]
            if size < span.min:
                raise ValueError(f"{axis} is {size}; the engine was built for {span.min} to {span.max}")
            parts = list(_parts(size, span))
            pieces = [{**piece, axis: part} for piece in pieces for part in parts]
        return pieces


def plan(stage: Stage, phrases: Span, candidates: Span) -> StagePlan:
    """Plan a stage's buffers for at most `phrases.max` phrases with `candidates.max` masks each.

    Raises:
        EngineMismatchError: a shape has a dynamic axis other than P and K.
    """
    spans = {PHRASES: phrases, CANDIDATES: candidates}
    inputs = tuple(_tensor(stage, tensor, spans) for tensor in stage.inputs)
    outputs = tuple(_tensor(stage, tensor, spans) for tensor in stage.outputs)
    used = {size for tensor in (*inputs, *outputs) for size in tensor.shape}
    return StagePlan(stage.name, inputs, outputs, {axis: span for axis, span in spans.items() if axis in used})


def _tensor(stage: Stage, tensor: Tensor, spans: Mapping[str, Span]) -> TensorPlan:
    unknown = [size for size in tensor.shape if isinstance(size, str) and size not in spans]
    if unknown:
        raise EngineMismatchError(
            f"{stage.file}: {tensor.name} has the dynamic axes {unknown}; engines know only {sorted(spans)}. {REMEDY}"
        )
    dtype = np.dtype(tensor.dtype)
    most = math.prod(spans[size].max if isinstance(size, str) else size for size in tensor.shape)
    return TensorPlan(tensor.name, dtype, tensor.shape, most * dtype.itemsize)


def _parts(size: int, span: Span) -> Iterator[slice]:
    """Cut `size` into as few parts as can be, none larger than the span, sizes as equal as can be."""
    count = -(-size // span.max)
    starts = [size * n // count for n in range(count + 1)]
    if min(b - a for a, b in pairwise(starts)) < span.min:
        raise ValueError(f"{size} cannot be cut into parts of {span.min} to {span.max}")
    yield from (slice(a, b) for a, b in pairwise(starts))
