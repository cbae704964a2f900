"""Letterbox and masks on the device: a frame is uploaded as the camera gives it, and masks come back at its size, as bits.

libisfp_frame does it (plugins/frame). Its letterbox differs from the host's by at most one grey level, where OpenCV rounds twice
or in another direction; its masks differ only in pixels whose logit is within rounding of the threshold.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

import numpy as np

from isfp.errors import RuntimeFailedError, RuntimeUnavailableError
from isfp.steps.letterbox import Letterbox

LIBRARY = "libisfp_frame.so"
#: The environment variable that names the library; empty to work on the host.
FRAME_VARIABLE = "ISFP_FRAME_LIBRARY"
#: Longest side of a frame that the library takes, pixels.
LONGEST_SIDE = 65_535
_CHECKOUT = Path(__file__).resolve().parents[3]


class FrameLibrary:
    """The library's two functions. Addresses are of the device, or of the host for its twin that works there."""

    def __init__(self, path: Path) -> None:
        """Load it.

        Raises:
            RuntimeUnavailableError: it cannot be loaded.
        """
        try:
            library = ctypes.CDLL(str(path.resolve()))
            self._letterbox, self._masks = library.isfp_frame_letterbox, library.isfp_frame_masks
        except (OSError, AttributeError) as error:
            raise RuntimeUnavailableError(
                f"{path} cannot be loaded: {error}. Build it on this machine, in the checkout: make plugin, or set "
                f"{FRAME_VARIABLE} to nothing, to letterbox on the host."
            ) from error
        pointer, number = ctypes.c_void_p, ctypes.c_int
        self._letterbox.argtypes = [pointer, pointer, pointer, number, pointer]
        self._masks.argtypes = [pointer, pointer, pointer, pointer, number, number, number, ctypes.c_float, pointer]

    def letterbox(
        self, frame: int, network_input: int, letterbox: Letterbox, size: tuple[int, int], fill: int, stream: int
    ) -> None:
        """Put a frame's letterbox on the stream.

        Args:
            frame: address of uint8 `[h,w,3]`.
            network_input: address of uint8 `[H,W,3]`.
            letterbox: where the frame lies in it.
            size: H and W.
            fill: grey value of the padding, 0 to 255.
            stream: the stream's handle.
        """
        _hold(self._letterbox(frame, network_input, _placement(letterbox, size), fill, stream))

    def masks(
        self,
        logits: int,
        bits: int,
        broken: int,
        letterbox: Letterbox,
        size: tuple[int, int],
        count: int,
        mask_size: tuple[int, int],
        threshold: float,
        stream: int,
    ) -> None:
        """Put the masks of some logits on the stream.

        Args:
            logits: address of float32 `[count,H,W]`.
            bits: address of uint8 `[count,h,(w+7)//8]`, which `unpack` turns into masks.
            broken: address of int32 `[count]`, set to 1 where a logit that was read is not finite, else to 0; 0 for none.
            letterbox: where the frame lies in the network's input.
            size: H and W.
            count: number of masks.
            mask_size: h and w, the frame's or others.
            threshold: a logit; a pixel above it belongs to the mask.
            stream: the stream's handle.
        """
        _hold(self._masks(logits, bits, broken, _placement(letterbox, size), count, *mask_size, threshold, stream))


def find_library() -> Path | None:
    """Return the library's path: the one that ISFP_FRAME_LIBRARY names, or the checkout's build; None where there is none.

    Raises:
        RuntimeUnavailableError: ISFP_FRAME_LIBRARY names something that is not a file.
    """
    named = os.environ.get(FRAME_VARIABLE)
    if named is not None:
        if named and not Path(named).is_file():
            raise RuntimeUnavailableError(
                f"{FRAME_VARIABLE} is {named!r}, which is not a file; expected the path of {LIBRARY}, or nothing, to letterbox on "
                "the host."
            )
        return Path(named) if named else None
    built = _CHECKOUT / "build" / "plugins" / "lib" / LIBRARY
    return built if built.is_file() else None


@cache
def load_library(path: Path) -> FrameLibrary:
    """Return the library, loaded once; it stays loaded until the process ends."""
    return FrameLibrary(path)


def row_bytes(columns: int) -> int:
    """Return the bytes of a mask's row."""
    return (columns + 7) // 8


def unpack(bits: np.ndarray, columns: int) -> np.ndarray:
    """Turn bits uint8 `[...,h,(columns+7)//8]` into masks, bool `[...,h,columns]`, a new array."""
    return np.unpackbits(bits, axis=-1, count=columns, bitorder="little").view(bool)


def _placement(letterbox: Letterbox, size: tuple[int, int]) -> ctypes.Array[ctypes.c_int]:
    window = letterbox.top, letterbox.left, letterbox.height, letterbox.width
    return (ctypes.c_int * 8)(*letterbox.frame_size, *size, *window)


def _hold(status: int) -> None:
    if status != 0:
        raise RuntimeFailedError(f"{LIBRARY} returned cudaError_t {status}. Build it for this GPU: make plugin")
