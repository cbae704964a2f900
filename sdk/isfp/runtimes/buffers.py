"""Buffers of a stage: how large each input and output can get, and how phrases beyond the profile are split into groups."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from isfp.bundle.manifest import BETWEEN_STAGES, CANDIDATES_AXIS, PHRASES_AXIS, REMEDY, Stage, Tensor
from isfp.engines.record import Span
from isfp.errors import EngineMismatchError


@dataclass(frozen=True)
class TensorBuffer:
    """One input or output.

    Attributes:
        name: its name.
        dtype: its type for the host, the manifest's.
        stored: its type in the buffer, the engine's: float16 for some values that stay on the device, else `dtype`.
        shape: its shape with the names of its dynamic axes.
        bytes: what it takes at most.
    """

    name: str
    dtype: np.dtype
    stored: np.dtype
    shape: tuple[int | str, ...]
    bytes: int

    @property
    def dynamic(self) -> bool:
        """Whether an axis depends on the number of phrases or candidates."""
        return any(isinstance(size, str) for size in self.shape)

    def at(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Return its shape if the dynamic axes have these sizes."""
        return tuple(sizes[size] if isinstance(size, str) else size for size in self.shape)

    def cut(self, value: Any, piece: Mapping[str, slice]) -> Any:
        """Return a piece of a value; a value without a dynamic axis is whole in every piece."""
        return value[tuple(piece.get(str(size), slice(None)) for size in self.shape)] if self.dynamic else value


@dataclass(frozen=True)
class StageBuffers:
    """The buffers of a stage's inputs and outputs, and the spans of its dynamic axes."""

    name: str
    inputs: tuple[TensorBuffer, ...]
    outputs: tuple[TensorBuffer, ...]
    spans: dict[str, Span]

    def sizes(self, inputs: Mapping[str, Any]) -> dict[str, int]:
        """Return the sizes of the dynamic axes in these inputs.

        Raises:
            ValueError: names, types or shapes are not the stage's, or contradict each other.
        """
        if inputs.keys() != {tensor.name for tensor in self.inputs}:
            raise ValueError(f"the inputs are {sorted(inputs)}; expected {sorted(tensor.name for tensor in self.inputs)}")
        sizes: dict[str, int] = {}
        for tensor in self.inputs:
            value = inputs[tensor.name]
            if value.dtype != tensor.dtype:
                raise ValueError(f"{tensor.name} has the type {value.dtype}; expected {tensor.dtype}")
            good = len(value.shape) == len(tensor.shape) and all(
                found == (sizes.setdefault(want, found) if isinstance(want, str) else want)
                for found, want in zip(value.shape, tensor.shape, strict=True)
            )
            if not good:
                expected = [sizes.get(str(size), size) for size in tensor.shape]
                raise ValueError(f"{tensor.name} has the shape {list(value.shape)}; expected {expected}")
        return sizes

    def pieces(self, sizes: Mapping[str, int]) -> list[dict[str, slice]]:
        """Split inputs of these sizes into as few pieces as possible, of similar sizes, each within the profile.

        Raises:
            ValueError: there are fewer phrases or candidates than the profile's minimum.
        """
        pieces: list[dict[str, slice]] = [{}]
        for axis, size in sizes.items():
            span = self.spans[axis]
            if size < span.min:
                raise ValueError(f"{axis} is {size}; the engine was built for {span.min} to {span.max}")
            parts = list(_parts(size, span))
            pieces = [{**piece, axis: part} for piece in pieces for part in parts]
        return pieces


def stage_buffers(stage: Stage, phrases: Span, candidates: Span, types: Mapping[str, str] | None = None) -> StageBuffers:
    """Size a stage's buffers for at most `phrases.max` phrases with `candidates.max` masks each.

    Args:
        stage: the stage, as in the manifest.
        phrases: P.
        candidates: K.
        types: the engine's own types by name. Buffers follow them where values stay on the device (`BETWEEN_STAGES`), if they are
            float16; everything else has the manifest's type.

    Raises:
        EngineMismatchError: a shape has a dynamic axis other than P or K.
    """
    spans = {PHRASES_AXIS: phrases, CANDIDATES_AXIS: candidates}
    half = {name for name, kind in (types or {}).items() if kind == "float16"} & BETWEEN_STAGES
    inputs = tuple(_tensor(stage, tensor, spans, half) for tensor in stage.inputs)
    outputs = tuple(_tensor(stage, tensor, spans, half) for tensor in stage.outputs)
    used = {size for tensor in (*inputs, *outputs) for size in tensor.shape}
    return StageBuffers(stage.name, inputs, outputs, {axis: span for axis, span in spans.items() if axis in used})


def _tensor(stage: Stage, tensor: Tensor, spans: Mapping[str, Span], half: Set[str]) -> TensorBuffer:
    unknown = [size for size in tensor.shape if isinstance(size, str) and size not in spans]
    if unknown:
        raise EngineMismatchError(
            f"{stage.file}: {tensor.name} has the dynamic axes {unknown}; engines support only {sorted(spans)}. {REMEDY}"
        )
    dtype = np.dtype(tensor.dtype)
    stored = np.dtype(np.float16) if tensor.name in half else dtype
    most = math.prod(spans[size].max if isinstance(size, str) else size for size in tensor.shape)
    return TensorBuffer(tensor.name, dtype, stored, tensor.shape, most * stored.itemsize)


def _parts(size: int, span: Span) -> Iterator[slice]:
    """Split `size` into as few parts as possible, none larger than the span, their sizes as equal as possible."""
    count = -(-size // span.max)
    starts = [size * n // count for n in range(count + 1)]
    if min(b - a for a, b in pairwise(starts)) < span.min:
        raise ValueError(f"{size} cannot be split into parts of {span.min} to {span.max}")
    yield from (slice(a, b) for a, b in pairwise(starts))
