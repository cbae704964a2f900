"""Says why OpenCV cannot be used, where it cannot: three causes look alike and need different commands."""

from __future__ import annotations

import re

LOWEST = (4, 6)  # the system's OpenCV of Debian 12 and Ubuntu 24.04; pip installs 4.8 or later (pyproject.toml)


def check_opencv() -> None:
    """Import OpenCV.

    Raises:
        ImportError: it is missing, too old, was built for another NumPy, lacks a system library, or was hollowed out by
            uninstalling one of two packages that share its folder; the message names the cause and the command.
    """
    try:
        import cv2
    except (ImportError, AttributeError) as error:
        raise ImportError(_cause(error)) from error
    if not hasattr(cv2, "imread") or not hasattr(cv2, "resize"):
        raise ImportError(
            "OpenCV's folder is empty: opencv-python and opencv-python-headless share it, and one of them was uninstalled."
            " Install the one that you want again: pip uninstall -y opencv-python opencv-python-headless; "
            'pip install "isfp[opencv]" (or "isfp[opencv-headless]" on a machine without a desktop).'
        )
    version = re.match(r"(\d+)\.(\d+)", cv2.__version__)
    if version and (int(version[1]), int(version[2])) < LOWEST:
        raise ImportError(
            f"OpenCV is {cv2.__version__} (in {cv2.__file__}); expected {'.'.join(map(str, LOWEST))} or later. If it is the "
            'system\'s, work in a virtual environment; then: pip install --upgrade "isfp[opencv]" (or "isfp[opencv-headless]" on a '
            "machine without a desktop)."
        )


def _cause(error: Exception) -> str:
    import numpy

    text = str(error)
    if "numpy" in text.lower() or "_ARRAY_API" in text:
        return (
            f"OpenCV cannot be imported: it was built for another NumPy than the installed {numpy.__version__} ({text}). "
            'Install NumPy 1 (pip install "numpy<2"), or a newer OpenCV (pip install --upgrade "opencv-python>=4.10").'
        )
    if isinstance(error, ModuleNotFoundError):
        return (
            f'OpenCV is not installed ({text}). Install it: pip install "isfp[opencv]", or "isfp[opencv-headless]" on a machine '
            "without a desktop."
        )
    return (
        f"OpenCV cannot be imported ({text}). On a machine without a desktop: apt install libgl1 libglib2.0-0, or "
        "pip install --force-reinstall opencv-python-headless."
    )
