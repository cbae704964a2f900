"""What `make` would do on a device: its commands are printed, none is run."""

import os
import shutil
import subprocess

import pytest

from tests.paths import ROOT


def commands(target: str, **environment: str) -> list[str]:
    """The commands of a target, each a line or, where it goes on, several."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    # The settings of a make that runs these tests are not for this one, and neither is the environment that is active here.
    others = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "VIRTUAL_ENV", "TENSORRT_INCLUDE_DIR", "PYTHON")
    }
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, env={**others, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_gpu_check_uses_the_environment_that_is_active_which_may_have_a_tensorrt_of_its_own():
    found = commands("gpu-check", VIRTUAL_ENV="/some/venv")
    assert found[-1] == "/some/venv/bin/python tools/gpu_check.py"
    assert not any(" -m venv " in line for line in found)


def test_gpu_check_without_one_makes_one_that_sees_the_systems_packages():
    found = commands("gpu-check")
    assert found[-1] == ".venv-gpu/bin/python tools/gpu_check.py"
    assert "python3 -m venv --system-site-packages .venv-gpu" in found


def test_gpu_check_asks_for_a_gpu_before_it_installs_anything():
    assert commands("gpu-check")[0] == "python3 tools/kernel_check.py --gpu"


def test_kernel_check_installs_and_fetches_nothing():
    assert commands("kernel-check") == ["python3 tools/kernel_check.py"]


def test_plugin_installs_no_python_package_and_fetches_headers_only_where_none_are_given():
    fetched = commands("plugin")
    assert fetched[0] == "python3 plugins/fetch_headers.py build/tensorrt-headers"
    given = commands("plugin", TENSORRT_INCLUDE_DIR="/usr/include/headers")
    assert given == [line.replace(f"{ROOT}/build/tensorrt-headers", "/usr/include/headers") for line in fetched[1:]]
    assert [line.split()[0] for line in given] == ["cmake", "cmake", "cd"]
