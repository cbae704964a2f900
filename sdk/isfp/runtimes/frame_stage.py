"""The stage `find` from the camera's frame to masks of its size, on the device: a frame is uploaded, and bits come back.

A GPU that shares the host's memory (a Jetson's) reads the frame and writes the bits where they lie; nothing is copied.

The letterbox before the engine and the masks after it are kernels (`frame_steps.py`), in the engine's CUDA graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isfp.errors import RuntimeFailedError
from isfp.runtimes.device import Device, DeviceArray
from isfp.runtimes.engine_stage import Around, EngineStage
from isfp.runtimes.frame_steps import LONGEST_SIDE, FrameLibrary, row_bytes, unpack
from isfp.steps.letterbox import Framing, Letterbox


class FrameStage:
    """Runs `find` with the steps of a frame around it: a `StageRunner`.

    Beside the stage's own outputs it returns `letterboxed` uint8 `[1,H,W,3]`, the network's input; `frame_masks` bool `[P,h,w]`,
    the masks at the frame's size, new arrays; and `window_masks` bool `[P,height,width]`, those in the network's input without
    padding. `masks`, the logits, stay on the device.
    """

    def __init__(self, stage: EngineStage, device: Device, library: FrameLibrary, framing: Framing) -> None:
        """Take the engine's stage, and how frames are letterboxed for it."""
        self.stage = stage
        self._steps = _Steps(device, library, framing)

    def __call__(self, frame: Any, phrases: Any, letterbox: Letterbox | None = None, threshold: float = 0.0) -> dict[str, Any]:
        """Run the stage.

        Args:
            frame: uint8 `[h,w,3]`, to be letterboxed on the device; or uint8 `[1,H,W,3]`, letterboxed before.
            phrases: float32 `[P,C]`.
            letterbox: where the frame lies in the network's input; None to run the stage alone.
            threshold: a logit; pixels above it belong to the mask.

        Raises:
            RuntimeFailedError: the inputs do not fit, the engine failed, or logits in the frame's window are not finite.
        """
        if letterbox is None:
            return self.stage(frame=frame, phrases=phrases)
        steps = self._steps
        with steps.device:
            network_input = steps.set(frame, letterbox, len(phrases), threshold)
        outputs = self.stage.run({"frame": network_input, "phrases": phrases}, steps, ("masks",))
        return {**outputs, **steps.results()}

    @property
    def replayed(self) -> int:
        """How many runs replayed a CUDA graph."""
        return self.stage.replayed


class _Memory:
    """Memory on the device and on the host for one array, of the largest size that was needed so far.

    An array that the device reads or writes once is one memory for both where they share memory. The device does not cache that
    memory, so an array that it reads several times is copied there too.
    """

    def __init__(self, device: Device, once: bool = False) -> None:
        self._device = device
        self._mapped = once and device.shares_memory
        self._size = 0
        self.address = 0
        self._host = np.empty(0, np.uint8)

    def sized(self, *shape: int) -> np.ndarray:
        """Return page-locked uint8 of this shape; `address` is that of the memory on the device."""
        size = int(np.prod(shape))
        if size > self._size:
            if self._mapped:
                self._host, self.address = self._device.allocate_mapped(size)
            else:
                self.address, self._host = self._device.allocate(size), self._device.allocate_host(size)
            self._size = size
        return self._host[:size].reshape(shape)

    def upload(self, values: np.ndarray) -> None:
        """Put a copy to the device on the stream, unless the device reads it where it lies."""
        if not self._mapped:
            self._device.upload(self.address, values)

    def download(self, values: np.ndarray) -> None:
        """Put a copy from the device on the stream, unless the device wrote it there."""
        if not self._mapped:
            self._device.download(values, self.address)


class _Steps(Around):
    """What surrounds the engine: upload and letterbox before it, masks and downloads after it."""

    def __init__(self, device: Device, library: FrameLibrary, framing: Framing) -> None:
        self.device, self._library, self._framing = device, library, framing
        self._size = framing.height, framing.width
        self._input, self._broken = _Memory(device), _Memory(device)  # the flags are also set to 0
        self._frame, self._bits, self._window = (_Memory(device, once=True) for _ in range(3))
        self._key: tuple = ()

    @property
    def key(self) -> tuple:
        """See `Around`."""
        return self._key

    def set(self, frame: Any, letterbox: Letterbox, count: int, threshold: float) -> DeviceArray:
        """Take a frame, which is copied to page-locked memory; returns the network's input on the device."""
        rows, columns = letterbox.frame_size
        if max(rows, columns) > LONGEST_SIDE:
            raise RuntimeFailedError(f"The frame has the size {rows}x{columns}; expected at most {LONGEST_SIDE} a side.")
        self._letterbox, self._count, self._threshold = letterbox, count, threshold
        self._resized = frame.ndim == 3
        self._upload = (self._frame if self._resized else self._input).sized(*frame.shape)
        np.copyto(self._upload, frame)
        self._letterboxed = self._input.sized(1, *self._size, 3)
        self._frame_bits = self._bits.sized(count, rows, row_bytes(columns))
        self._window_bits = self._window.sized(count, letterbox.height, row_bytes(letterbox.width))
        self._flags = self._broken.sized(count * 4)
        addresses = tuple(memory.address for memory in (self._frame, self._input, self._bits, self._window, self._broken))
        self._key = letterbox, count, threshold, self._resized, addresses
        return DeviceArray(self.device, self._input.address, (1, *self._size, 3), np.dtype(np.uint8))

    def before(self) -> None:
        """See `Around`."""
        device, library = self.device, self._library
        if not self._resized:
            self._input.upload(self._upload)
            return
        self._frame.upload(self._upload)
        frame, letterboxed, letterbox = self._frame.address, self._input.address, self._letterbox
        size, fill = self._size, self._framing.fill
        device.launch(lambda stream: library.letterbox(frame, letterboxed, letterbox, size, fill, stream))
        self._input.download(self._letterboxed)

    def after(self, outputs: Mapping[str, int]) -> None:
        """See `Around`."""
        letterbox, logits = self._letterbox, outputs["masks"]
        # Every mask's window is read whole for its own size, so the flags are set there.
        self._launch_masks(logits, self._window.address, self._broken.address, (letterbox.height, letterbox.width))
        self._launch_masks(logits, self._bits.address, 0, letterbox.frame_size)
        for values, memory in ((self._frame_bits, self._bits), (self._window_bits, self._window), (self._flags, self._broken)):
            memory.download(values)

    def _launch_masks(self, logits: int, bits: int, broken: int, mask_size: tuple[int, int]) -> None:
        library, letterbox, size, count, threshold = self._library, self._letterbox, self._size, self._count, self._threshold
        self.device.launch(lambda stream: library.masks(logits, bits, broken, letterbox, size, count, mask_size, threshold, stream))

    def results(self) -> dict[str, np.ndarray]:
        """Return what was downloaded, once the stage has waited for it."""
        if self._flags.view(np.int32).any():
            raise RuntimeFailedError(
                "The stage 'find' returned masks with values that are NaN or infinite; expected finite numbers. The weights or the "
                "engine are damaged, or a half-precision engine overflowed: try runtime='onnxruntime', and build the engine again."
            )
        return {
            "letterboxed": self._letterboxed,
            "frame_masks": unpack(self._frame_bits, self._letterbox.frame_size[1]),
            "window_masks": unpack(self._window_bits, self._letterbox.width),
        }
