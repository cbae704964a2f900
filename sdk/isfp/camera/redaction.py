"""How a source may be named in messages and logs: nothing that may be a secret is shown.

Cameras take passwords in many places: before the host, in the query, in the path, and as properties of a pipeline. So this module
does not look for passwords. It keeps the few parts that it knows to be harmless.
"""

from __future__ import annotations

import re

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_PLAIN = re.compile(r"[A-Za-z_-]{1,20}\d{0,4}(?:\.[A-Za-z]\w{0,4})?|\d{1,4}")  # "stream1", "snap.cgi", "101"; not "s3cret"
_ELEMENT = re.compile(r"[a-z][a-z0-9_]*|\w+/[\w.-]+")
_HIDDEN = "..."


def shown_url(url: str) -> str:
    """Return a URL's scheme, host, port and the plain words of its path."""
    scheme, _, rest = url.partition("://")
    scheme = scheme if _SCHEME.fullmatch(scheme) else _HIDDEN
    before, at, after = rest.rpartition("@")
    if at and re.search(r"[/?#]", before):  # a password with such a letter in it, or an @ in the path: nothing tells them apart
        return f"{scheme}://{_HIDDEN}"
    address, more = _split(after)
    host, *segments = address.split("/")
    parts = [host if _HOST.fullmatch(host) else _HIDDEN]
    parts += [part if not part or _PLAIN.fullmatch(part) else _HIDDEN for part in segments]
    return f"{scheme}://{'/'.join(parts)}{more}"


def shown_pipeline(pipeline: str) -> str:
    """Return the names of a GStreamer pipeline's elements, without their properties."""
    if re.search(r"[\"'\\]", pipeline):  # a quoted value may hold anything, also " ! "
        first = pipeline.split()[:1]
        return f"{first[0] if first and _ELEMENT.fullmatch(first[0]) else _HIDDEN} ! {_HIDDEN}"
    names = []
    for element in pipeline.split("!"):
        name, *properties = re.split(r"[\s,]+", element.strip(), maxsplit=1)
        names.append((name if _ELEMENT.fullmatch(name) else _HIDDEN) + (f" {_HIDDEN}" if any(properties) else ""))
    return " ! ".join(names)


def shown_path(path: str) -> str:
    """Return the path of a file that does not exist, unless it looks like an address that was mistyped."""
    return _HIDDEN if re.search(r"[@=?&;]|:/", path) else path


def _split(address: str) -> tuple[str, str]:
    """Split what cannot be shown off the end of an address."""
    found = re.search(r"[?#;&]", address)
    return (address[: found.start()], f"?{_HIDDEN}") if found else (address, "")
