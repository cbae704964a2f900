"""The page's server: uvicorn, with time limits for headers and for taking up answers, and limits on what connections hold."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from isfp.web.limits import Limits

KEEP_ALIVE, SHUTDOWN = 5, 3  # seconds
#: Bytes that a connection may send ahead of the answers that it still waits for; uvicorn would hold any number. Browsers send none.
MOST_AHEAD = 1 << 20


def server(app: ASGIApp, limits: Limits) -> uvicorn.Server:
    """Make the server of an application; `run(sockets=[...])` serves until it is told to stop."""
    protocol = type("LimitedProtocol", (PageProtocol,), {"limits": limits})
    config = uvicorn.Config(
        app, http=protocol, ws="none", log_level="warning", timeout_keep_alive=KEEP_ALIVE, timeout_graceful_shutdown=SHUTDOWN
    )
    return uvicorn.Server(config)


class PageProtocol(H11Protocol):
    """One connection. Its headers must arrive in time; a connection too many is told so, and closed.

    One that does not take up its answers, or sends requests far ahead of them, is cut off.
    """

    limits = Limits()
    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and start to wait for its first headers."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        same = len([other for other in self.connections if isinstance(other, PageProtocol) and other._is_from(address)])
        if same > self.limits.connections_per_address:
            self.app = _too_many(f"{same - 1} connections of your address are open; expected fewer.")
        elif len(self.connections) > self.limits.connections:
            self.app = _too_many("The page is busy: too many people are using it.")
        self._start_deadline()

    def data_received(self, data: bytes) -> None:
        """Read what arrived; between requests it is a header, whose time is limited."""
        super().data_received(data)
        if len(self.conn.trailing_data[0]) > MOST_AHEAD:
            self.transport.abort()
        if self._in_request():
            self._stop_deadline()
        else:
            self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_deadline()
        self._stop_stalled()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give the client a time within which it must take up what waits for it."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.limits.seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken it up."""
        self._stop_stalled()
        super().resume_writing()

    def _is_from(self, address: str) -> bool:
        return self.client is not None and self.client[0] == address

    def _in_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_deadline(self) -> None:
        if self._deadline is None:  # one that runs is not put off by further bytes
            self._deadline = self.loop.call_later(self.limits.header_seconds, self._give_up)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _stop_stalled(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self._in_request() and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.transport.close()


def _too_many(message: str) -> Any:
    """Return an application that answers everything with "try again", as a page or as JSON."""
    message = f"{message} Try again in a moment."

    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {"Retry-After": "5", "Connection": "close"}
        answer: Response = HTMLResponse(
            f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>Busy</title><p>{message}',
            503,
            headers,
        )
        if scope.get("path", "").startswith("/api/"):
            answer = JSONResponse({"error": message}, 503, headers)
        await answer(scope, receive, send)

    return busy
