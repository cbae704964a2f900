"""The FPM scan plugin's library: found, loaded once, and kept until the process ends.

Unloading a library while a plugin from it is in use crashes, so it is never unloaded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from isfp.engines.fpm import DOMAIN, OPERATOR
from isfp.errors import EngineMismatchError

LIBRARY = "libisfp_fpm_scan.so"
#: The environment variable that names the library.
PLUGIN_VARIABLE = "ISFP_PLUGIN"
_CHECKOUT = Path(__file__).resolve().parents[3]
_HELP = f"Build it on this machine, in the checkout: make plugin (plugins/fpm_scan/README.md), or set {PLUGIN_VARIABLE} to its path"


def find_library(bundle: Path | None = None) -> Path | None:
    """Return the plugin's library: the one that ISFP_PLUGIN names, the checkout's build, or the one beside the bundle's engines.

    Raises:
        EngineMismatchError: ISFP_PLUGIN does not name a file, or the bundle's library is where others can write.
    """
    if named := os.environ.get(PLUGIN_VARIABLE):
        if not Path(named).is_file():
            raise EngineMismatchError(
                f"{PLUGIN_VARIABLE} is {named!r}, which is not a file; expected the path of {LIBRARY}. {_HELP}", "plugin"
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
    """Register the plugin with TensorRT, unless it is registered already.

    Args:
        trt: the module, full or lean.
        version: the version of the plugin that the plans call.
        bundle: a bundle that may have the library beside its engines.

    Raises:
        EngineMismatchError: there is no library, it does not load, or it has another version of the plugin.
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
            f"{trt.__name__} {trt.__version__} cannot load {library}: it is not a library for this machine. {_HELP}",
            "plugin",
            str(library),
            "a library that loads",
            "make plugin",
        )
    if registry.get_creator(OPERATOR, version, DOMAIN) is None:
        raise EngineMismatchError(
            f"{library} does not contain version {version!r} of {DOMAIN}::{OPERATOR}, which the plans call. {_HELP}",
            "plugin_version",
            str(library),
            version,
            "make plugin",
        )
