"""The FPM scan plugin's library: found, loaded once, and kept loaded for the life of the process.

Unloading a library while a plugin of it lives crashes, so it is never done.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from isfp.engines.fpm import DOMAIN, OPERATOR
from isfp.errors import EngineMismatchError

LIBRARY = "libisfp_fpm_scan.so"
VARIABLE = "ISFP_PLUGIN"
_CHECKOUT = Path(__file__).resolve().parents[3]
_HELP = "Build it on this machine, in the checkout: make plugin (plugins/fpm_scan/README.md), or name it in " + VARIABLE


def find_library(bundle: Path | None = None) -> Path | None:
    """Return the plugin's library: what ISFP_PLUGIN names, else the checkout's build, else the one beside the bundle's engines.

    Raises:
        EngineMismatchError: ISFP_PLUGIN names no file, or the bundle's stands where others can write.
    """
    if named := os.environ.get(VARIABLE):
        if not Path(named).is_file():
            raise EngineMismatchError(
                f"{VARIABLE} is {named!r}, which is no file; expected the path of {LIBRARY}. {_HELP}", "plugin"
            )
        return Path(named)
    built = _CHECKOUT / "build" / "plugins" / "lib" / LIBRARY
    if built.is_file():
        return built
    if bundle and (bundle / "engines" / LIBRARY).exists():
        from isfp.engines.plans import check_trusted

        return check_trusted(bundle, LIBRARY)
    return None


def load_plugin(trt: Any, version: str, bundle: Path | None = None) -> None:
    """Make the plugin known to TensorRT, unless it is already.

    Args:
        trt: the module, full or lean.
        version: the plugin's version that the plans call.
        bundle: a bundle beside whose engines the library may stand.

    Raises:
        EngineMismatchError: there is no library, it does not load, or it is of another version.
    """
    registry = trt.get_plugin_registry()
    if registry.get_creator(OPERATOR, version, DOMAIN) is not None:
        return
    library = find_library(bundle)
    if library is None:
        raise EngineMismatchError(
            f"The plans call the plugin {DOMAIN}::{OPERATOR}, and there is no {LIBRARY}. {_HELP}",
            "plugin",
            None,
            LIBRARY,
            "make plugin",
        )
    if registry.load_library(str(library.resolve())) is None:
        raise EngineMismatchError(
            f"{trt.__name__} {trt.__version__} cannot load {library}: it is no library for this machine. {_HELP}",
            "plugin",
            str(library),
            "a library that loads",
            "make plugin",
        )
    if registry.get_creator(OPERATOR, version, DOMAIN) is None:
        raise EngineMismatchError(
            f"{library} does not bring version {version!r} of {DOMAIN}::{OPERATOR}, which the plans call. {_HELP}",
            "plugin_version",
            str(library),
            version,
            "make plugin",
        )
