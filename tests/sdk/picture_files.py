"""Picture files as phones and editors write them: with EXIF data, which OpenCV cannot write."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np

LOSSLESS_WEBP = [cv2.IMWRITE_WEBP_QUALITY, 101]


def exif(value: int, order: str = ">") -> bytes:
    """Return EXIF data that only states an orientation; `order` is struct's byte order."""
    start = b"MM\0*" if order == ">" else b"II*\0"
    return start + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, value, 0, 0)


def jpeg(picture: np.ndarray, value: int, order: str = ">") -> bytes:
    """Return a JPEG file with an orientation."""
    content, block = cv2.imencode(".jpg", picture)[1].tobytes(), b"Exif\0\0" + exif(value, order)
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + content[2:]


def png(picture: np.ndarray, value: int, after_pixels: bool = False) -> bytes:
    """Return a PNG file with an orientation."""
    content, block = cv2.imencode(".png", picture)[1].tobytes(), exif(value)
    chunk = struct.pack(">I", len(block)) + b"eXIf" + block + struct.pack(">I", zlib.crc32(b"eXIf" + block))
    at = len(content) - 12 if after_pixels else 33
    return content[:at] + chunk + content[at:]


def webp(picture: np.ndarray, value: int, prefix: bytes = b"") -> bytes:
    """Return a WebP file with an orientation."""
    pixels, block = cv2.imencode(".webp", picture, LOSSLESS_WEBP)[1].tobytes()[12:], prefix + exif(value)
    height, width = picture.shape[:2]
    header = bytes([8, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = [b"WEBPVP8X" + struct.pack("<I", 10) + header, pixels, b"EXIF" + struct.pack("<I", len(block)) + block]
    body = b"".join(chunk + b"\0" * (len(chunk) % 2) for chunk in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(picture: np.ndarray, value: int, order: str = "<") -> bytes:
    """Return an uncompressed TIFF file with an orientation."""
    height, width = picture.shape[:2]
    pixels, long, short = picture[..., ::-1].tobytes(), 4, 3
    fields = [(256, long, width), (257, long, height), (258, short, 8), (259, short, 1), (262, short, 2), (273, long, 8)]
    fields += [(274, short, value), (277, short, 3), (278, long, height), (279, long, len(pixels))]
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(pixels))
    entries = [
        struct.pack(f"{order}HHI", tag, kind, 1)
        + struct.pack(f"{order}I" if kind == long else f"{order}HH", *_padded(kind, number))
        for tag, kind, number in fields
    ]
    return start + pixels + struct.pack(f"{order}H", len(fields)) + b"".join(entries) + b"\0\0\0\0"


def _padded(kind: int, number: int) -> tuple[int, ...]:
    return (number,) if kind == 4 else (number, 0)
