"""What kind of picture a file's content is, by its first bytes.

The versions of OpenCV differ in what they read beyond the five kinds that the SDK promises, and in whether they turn it upright.
"""

from __future__ import annotations

import re

#: Kinds that are read.
READ = ("JPEG", "PNG", "BMP", "TIFF", "WebP")
_KINDS = {
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "BMP": rb"BM",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "animated WebP": rb"RIFF.{4}WEBPVP8X.{4}[" + re.escape(bytes(flags for flags in range(256) if flags & 2)) + rb"]",
    "WebP": rb"RIFF.{4}WEBP",
    "AVIF": rb".{4}ftypavi[fs]",
    "HEIC": rb".{4}ftyp(?:hei|hev|mif1|msf1)",
    "GIF": rb"GIF8[79]a",
    "JPEG 2000": rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
    "JPEG XL": rb"\xff\x0a|\0\0\0\x0cJXL ",
    "PDF": rb"%PDF-",
}
_PATTERNS = {kind: re.compile(pattern, re.DOTALL) for kind, pattern in _KINDS.items()}


def kind_of(content: bytes) -> str | None:
    """Return the kind of a file's content, such as "JPEG" or "AVIF"; None if it is not known."""
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.match(content)), None)
