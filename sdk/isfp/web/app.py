"""The page's web application: its files, `GET /api/about` and `POST /api/find`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isfp.errors import FrameError, IsfpError, PhraseError
from isfp.web.asker import Asker, BusyError
from isfp.web.limits import Limits, RateLimit, body_of, check_picture

PAGE = Path(__file__).parent / "page"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")
CANDIDATES = 5  # most that one request may ask for

# Everything comes from this server: the page needs no network, and nothing of another site gets in.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def application(asker: Asker, limits: Limits, hosts: tuple[str, ...] = LOOPBACK) -> Starlette:
    """Make the application.

    Args:
        asker: what answers; it is closed when the application ends.
        limits: what a request may cost.
        hosts: the names by which a browser may call this server, `("*",)` for any: on loopback a page of another site whose
            name was made to point here is turned away.
    """
    rate = RateLimit(limits.per_second)

    async def about(request: Request) -> JSONResponse:
        return JSONResponse(asker.about())

    async def find(request: Request) -> JSONResponse:
        rate.check(request)
        phrase, candidates = _asked(request, limits)
        content = await body_of(request, limits)
        megapixels = check_picture(content, limits)
        return JSONResponse(await asker.find(content, phrase, candidates, megapixels))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> Any:
        yield
        asker.close()

    return Starlette(
        routes=[
            Route("/api/about", about),
            Route("/api/find", find, methods=["POST"]),
            Mount("/", StaticFiles(directory=PAGE, html=True)),
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
        exception_handlers={HTTPException: _refused, IsfpError: _failed},
        lifespan=lifespan,
    )


class SecurityHeaders:
    """Adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back with the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((k.lower().encode(), v.encode()) for k, v in HEADERS.items())]
            await send(message)

        await self.app(scope, receive, with_headers)


def _asked(request: Request, limits: Limits) -> tuple[str, int]:
    """Return the phrase and how many candidates are wanted."""
    phrase, wanted = _one(request, "phrase", ""), _one(request, "candidates", "0")
    if len(phrase) > limits.letters:
        raise HTTPException(400, f"The phrase has {len(phrase)} letters; expected at most {limits.letters}. Say it shorter.")
    if not (wanted.isdecimal() and len(wanted) < 3 and int(wanted) <= CANDIDATES):
        raise HTTPException(400, f"candidates is {wanted[:20]!r}; expected a number from 0 to {CANDIDATES}.")
    return phrase, int(wanted)


def _one(request: Request, name: str, otherwise: str) -> str:
    """Return a parameter of the query; one that comes twice would lose a value without a word."""
    values = request.query_params.getlist(name) or [otherwise]
    if len(values) > 1:
        raise HTTPException(400, f"{name} is given {len(values)} times; expected once. Send a request for each.")
    return values[0]


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, dict(error.headers or {}))


async def _failed(request: Request, error: Exception) -> JSONResponse:
    status = 400 if isinstance(error, FrameError | PhraseError) else 503 if isinstance(error, BusyError) else 500
    return JSONResponse({"error": str(error)}, status)
