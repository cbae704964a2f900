"""`isfp serve`."""

from __future__ import annotations

import ipaddress
import socket
import threading
import webbrowser
from typing import Annotated

import typer
from rich.console import Console

from isfp.cli.extras import asking_for
from isfp.cli.options import BundleArgument, RuntimeOption, ThreadsOption
from isfp.errors import IsfpError


def serve(
    bundle: BundleArgument,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 accepts connections from other machines.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 8000,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    runtime: RuntimeOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Serve a web page for trying a bundle: upload an image or start the camera, type a phrase, see the mask."""
    with asking_for("serve", "web"):
        from isfp.web.app import LOOPBACK, application
        from isfp.web.asker import Asker
        from isfp.web.limits import Limits
        from isfp.web.server import server

    limits = Limits()
    listening = _listen(host, port)
    with listening:
        local = _is_loopback(host)
        asker = Asker(bundle, runtime, limits.waiting, limits.waiting_megapixels, threads)
        app = application(asker, limits, (*LOOPBACK, host) if local else ("*",))
        url = _url(host, listening.getsockname()[1])
        messages = Console(stderr=True, highlight=False, soft_wrap=True)
        messages.print(f"The page is at {url} (press Ctrl+C to stop).")
        if not local:
            messages.print(
                "Anyone who can reach this address can use the page: there is no password. Browsers allow the live camera only on "
                "localhost or over HTTPS; from another machine, upload an image or take a photo."
            )
        if show:
            threading.Timer(0.5, webbrowser.open, (url,)).start()
        server(app, limits).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Bind before the bundle is loaded, so that a port that is taken is known at once."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        raise IsfpError(
            f"Cannot listen on {host}, port {port}: {error.strerror}. Use another port (--port 0 picks a free one), or an "
            "address of this machine (--host)."
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _url(host: str, port: int) -> str:
    shown = _own_address() if host in ("0.0.0.0", "::") else host
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"


def _own_address() -> str:
    """Return the address by which other machines reach this one; the host's name where it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of no machine; a datagram socket only looks up the way there, and sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
