"""A stage's model and its outputs are held to the manifest, so that a wrong shape is an error and not a wrong mask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isfp.bundle.manifest import REMEDY, Stage, Tensor
from isfp.errors import EngineMismatchError, RuntimeFailedError
from isfp.steps.arguments import shortened

_MOST = 1000  # combinations of shapes that are remembered
_LONGEST_SHOWN = 2000  # letters of a model's own names, which may have any length

#: Type, as NumPy calls it, and shape of each input or output of a model by name; a dynamic dimension is a string or None.
Ports = Mapping[str, tuple[str, list]]


def check_ports(stage: Stage, where: str, inputs: Ports, outputs: Ports) -> None:
    """Refuse a model whose inputs and outputs differ from those in the manifest.

    Args:
        stage: the stage as the manifest states it.
        where: the model's file, for the error.
        inputs: the model's.
        outputs: the model's.

    Raises:
        EngineMismatchError: a name, a type or a shape differs.
    """
    for kind, found, tensors in (("input", inputs, stage.inputs), ("output", outputs, stage.outputs)):
        wanted = {tensor.name: (tensor.dtype, list(tensor.shape)) for tensor in tensors}
        same = found.keys() == wanted.keys() and all(
            found[name][0] == dtype and _same_sizes(found[name][1], shape) for name, (dtype, shape) in wanted.items()
        )
        if not same:
            shown = shortened(str(dict(found)), _LONGEST_SHOWN, "...")
            raise EngineMismatchError(f"{where} has the {kind}s {shown}; expected those of the manifest, {wanted}. {REMEDY}")


class StageShapes:
    """Compares names, types and shapes of what goes through a stage with the manifest, once for each combination of shapes."""

    def __init__(self, stage: Stage) -> None:
        """Take the stage as the manifest states it."""
        self._stage = stage
        self._seen: set[tuple] = set()

    def check(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        """Compare one run's outputs.

        Args:
            inputs: the arrays by name; they say how many phrases and masks there must be.
            outputs: arrays, of NumPy or on a device.

        Raises:
            RuntimeFailedError: an output is missing, or its type or shape is not the manifest's.
        """
        key = (*inputs, *map(_shape, inputs.values()), *outputs, *map(_shape, outputs.values()), *map(_type, outputs.values()))
        if key in self._seen:
            return
        sizes: dict[str, int] = {}
        for tensor in self._stage.inputs:
            if tensor.name in inputs:
                sizes.update(_dynamic(tensor, _shape(inputs[tensor.name])))
        for tensor in self._stage.outputs:
            wanted = [sizes.get(size, size) if isinstance(size, str) else size for size in tensor.shape]
            value = outputs.get(tensor.name)
            if value is None or not _fits(_shape(value), wanted) or _type(value) != np.dtype(tensor.dtype):
                found = "nothing" if value is None else f"{_type(value)} {list(_shape(value))}"
                raise RuntimeFailedError(
                    f"The stage {self._stage.name!r} returned {found} as {tensor.name!r}; expected {tensor.dtype} {wanted}, as the "
                    f"manifest states. {REMEDY}"
                )
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen.add(key)


def _shape(value: Any) -> tuple[int, ...]:
    try:
        return tuple(value.shape)
    except AttributeError:
        return np.shape(value)


def _type(value: Any) -> np.dtype:
    try:
        return value.dtype
    except AttributeError:
        return np.asarray(value).dtype


def _dynamic(tensor: Tensor, shape: tuple[int, ...]) -> dict[str, int]:
    """The sizes that an input's shape gives to the dynamic axes."""
    pairs = zip(tensor.shape, shape, strict=False)
    return {axis: size for axis, size in pairs if isinstance(axis, str)}


def _fits(found: tuple[int, ...], wanted: list[int | str]) -> bool:
    same = (isinstance(want, str) or size == want for size, want in zip(found, wanted, strict=False))
    return len(found) == len(wanted) and all(same)


def _same_sizes(found: list, wanted: list) -> bool:
    """Compare shapes of models; a dynamic dimension fits any."""
    return len(found) == len(wanted) and all(
        a == b or not isinstance(a, int) or not isinstance(b, int) for a, b in zip(found, wanted, strict=True)
    )
