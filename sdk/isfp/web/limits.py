"""What one request may cost: bytes, pixels, letters, requests a second, and how many may wait."""

from __future__ import annotations

import asyncio
import io
import logging
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from PIL import Image, UnidentifiedImageError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

_log = logging.getLogger(__name__)

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
#: So many times the largest picture is taken in before it is refused: a client that is cut off as it sends seldom sees the answer.
_TAKEN_UP = 10
_TILE_WIDTH, _TILE_HEIGHT = 322, 323  # tags of TIFF


@dataclass(frozen=True)
class Limits:
    """Limits of one page.

    Attributes:
        megabytes: most of a picture file; the page itself sends less.
        megapixels: most of a picture once it is decoded, so that a small file cannot fill the memory.
        letters: longest phrase.
        per_second: requests that one address may make in a second.
        waiting: requests that may wait for the network; the next one is told to come again.
        waiting_megapixels: most that their pictures may have together, so that a few large ones do not hold up everyone.
        seconds: most that a picture may take to arrive, and a client to take up the next part of an answer.
        header_seconds: most that a request's headers may take to arrive.
        connections: connections that may be open; the next one is told to come again.
        connections_per_address: those of one address; a browser opens six.
    """

    megabytes: float = 12
    megapixels: float = 16
    letters: int = 300
    per_second: int = 60
    waiting: int = 8
    waiting_megapixels: float = 20
    seconds: float = 20
    header_seconds: float = 10
    connections: int = 128
    connections_per_address: int = 24


class RateLimit:
    """Counts each address's requests over the last second."""

    def __init__(self, per_second: int) -> None:
        self._item = RateLimitItemPerSecond(per_second)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, request: Request) -> None:
        """Count a request.

        Raises:
            HTTPException: 429, this address has made too many in the last second.
        """
        address = request.client.host if request.client else ""
        if not self._limiter.hit(self._item, address):
            message = f"Too many requests; expected at most {self._item.amount} a second. Wait a moment."
            raise HTTPException(429, message, {"Retry-After": "1"})


async def body_of(request: Request, limits: Limits) -> bytes:
    """Read a request's picture file.

    Raises:
        HTTPException: 415, it is not sent as a picture; 413, it is too large; 408, it took too long; 400, the client left.
    """
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("image/"):  # which other sites' pages cannot send without asking first, and the answer is no
        raise HTTPException(415, f"The request is of the type {kind!r}; expected a picture, such as image/jpeg.")
    most = int(limits.megabytes * 1e6)
    too_large = HTTPException(413, f"The picture file is too large; expected at most {limits.megabytes:g} MB. Make it smaller.")

    if request.headers.get("expect") and int(request.headers.get("content-length", 0)) > most:
        raise too_large  # it has sent nothing yet

    content = bytearray()

    async def read() -> bytes:
        arrived = 0
        async for chunk in request.stream():
            arrived += len(chunk)
            if arrived <= most:
                content.extend(chunk)
            elif arrived > _TAKEN_UP * most:
                break
        if arrived > most:
            raise too_large
        return bytes(content)

    try:
        return await asyncio.wait_for(read(), limits.seconds)
    except ClientDisconnect:
        address = request.client.host if request.client else "A client"
        _log.warning("%s left after %d bytes of its picture.", address, len(content))
        raise HTTPException(400, "The picture did not arrive.") from None
    except asyncio.TimeoutError:
        raise HTTPException(408, f"The picture did not arrive within {limits.seconds:g} s. Send it again.") from None


def check_picture(content: bytes, limits: Limits) -> float:
    """Look at a picture file's header, before anything is decoded.

    Returns:
        Its size in megapixels: of a TIFF file with larger tiles, that of one tile.

    Raises:
        HTTPException: 400, it is no picture of these formats; 413, it has too many pixels.
    """
    expected = f"expected at most {limits.megapixels:g} million. Make it smaller."
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as header:
            width, height = header.size
            if header.format == "TIFF":  # a small picture may be in one huge tile, which is decoded whole
                tags: Any = getattr(header, "tag_v2", {})
                width, height = max(width, tags.get(_TILE_WIDTH, 0)), max(height, tags.get(_TILE_HEIGHT, 0))
    except Image.DecompressionBombError as error:  # Pillow has a limit of its own
        raise HTTPException(413, f"The picture has hundreds of millions of pixels; {expected}") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise HTTPException(400, f"The {len(content)} bytes are no picture; expected one of {', '.join(FORMATS)}.") from error
    if width * height > limits.megapixels * 1e6:
        raise HTTPException(413, f"The picture has {width} x {height} pixels; {expected}")
    return width * height / 1e6
