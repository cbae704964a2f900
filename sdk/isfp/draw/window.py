"""Whether a window can be opened on this machine."""

from __future__ import annotations

import os
import subprocess
import sys

_REMEDY = "Use --headless, or isfp serve, whose page opens in the browser of any machine."
_INSTALL = 'pip uninstall opencv-python-headless; pip install "isfp[opencv]".'  # in this order: the two share one folder
_TRY = "import cv2; cv2.namedWindow('isfp: is there a display?'); cv2.destroyAllWindows()"


def why_no_window() -> str:
    """Return why OpenCV cannot open a window here and what to do, or an empty text if it can.

    It is tried in another process: without a display, Qt ends the process instead of raising an error.
    """
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return f"There is no display here (DISPLAY is not set). {_REMEDY}"
    try:
        tried = subprocess.run([sys.executable, "-c", _TRY], capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return f"The display does not answer. {_REMEDY}"
    if tried.returncode == 0:
        return ""
    if "not implemented" in tried.stderr:
        return f"This OpenCV has no windows (opencv-python-headless). {_INSTALL} {_REMEDY}"
    return f"OpenCV cannot open a window on the display {os.environ.get('DISPLAY', '')!r}. {_REMEDY}"
