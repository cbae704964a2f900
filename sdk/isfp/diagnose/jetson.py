"""What the doctor sees on a Jetson, from files that every user may read: release, memory, power mode, hidden TensorRT."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from isfp.diagnose.finding import Finding

#: Major release of Jetson Linux: the JetPack that it belongs to.
_JETPACKS = {32: "4", 34: "5", 35: "5", 36: "6", 38: "7.0 or 7.1", 39: "7.2"}
NUMPY_1 = 36  # the last major release whose OpenCV is known to be built for NumPy 1
_OLDEST = 36  # JetPack 5 has TensorRT 8 and Python 3.8
_SCARCE = 2.0  # GiB; building an engine takes a CUDA context and the builder's workspace. A rule of thumb, not measured.

_ROOT = Path("/")


@dataclass(frozen=True)
class Jetson:
    """A Jetson and its software.

    Attributes:
        major: major release of Jetson Linux, such as 36; 0 where the file that tells it cannot be understood.
        release: as people write it, such as "36.4.3".
    """

    major: int
    release: str

    @property
    def supported(self) -> bool:
        """Whether its JetPack is new enough for the SDK's TensorRT runtime."""
        return self.major >= _OLDEST or not self.major


def root() -> Path:
    """Return the folder that the paths of the system are in."""
    return _ROOT


def this_jetson() -> Jetson | None:
    """Return what /etc/nv_tegra_release says, or None on any other machine."""
    text = _read("etc/nv_tegra_release")
    if text is None:
        return None
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", text)
    return Jetson(int(found[1]), f"{found[1]}.{found[2]}") if found else Jetson(0, "of an unknown release")


def findings(jetson: Jetson) -> list[Finding]:
    """Look at the parts of a Jetson that other machines lack, or have enough of."""
    return [found for found in (_jetpack(jetson), _memory(), _power()) if found]


def _jetpack(jetson: Jetson) -> Finding:
    name = _JETPACKS.get(jetson.major)
    found = f"Jetson Linux {jetson.release}" + (f", JetPack {name}" if name else "")
    if jetson.supported:
        return Finding("JetPack", True, found)
    return Finding("JetPack", False, found, "Flash JetPack 6 or later for TensorRT; until then ONNX Runtime runs on the CPU.")


def _memory() -> Finding | None:
    """Return how much memory is free; on a Jetson it is the GPU's too."""
    sizes = dict(re.findall(r"^(\w+): +(\d+) kB", _read("proc/meminfo") or "", re.MULTILINE))
    if "MemAvailable" not in sizes or "MemTotal" not in sizes:
        return None
    free, total = (int(sizes[name]) / 2**20 for name in ("MemAvailable", "MemTotal"))
    good = free >= _SCARCE
    remedy = "" if good else "Before isfp build: close programs, or leave the desktop (sudo systemctl isolate multi-user.target)."
    return Finding("Memory", good, f"{free:.1f} of {total:.1f} GiB free, shared by CPU and GPU", remedy)


def _power() -> Finding | None:
    """Return the power mode that nvpmodel last set, and the command for the unlimited one; None where no file tells."""
    mode = re.search(r"pmode:(\d+)", _read("var/lib/nvpmodel/status") or "")
    if not mode:
        return None
    names = dict(re.findall(r"POWER_MODEL +ID=(\d+) +NAME=(\S+)", _read("etc/nvpmodel.conf") or ""))
    now = str(int(mode[1]))
    found = f"mode {now}" + (f", {names[now]}" if now in names else "")
    # Modes are not in the order of their speed: an Orin Nano's MAXN_SUPER is 2, other boards' MAXN is 0.
    unlimited = [number for number, name in names.items() if name.startswith("MAXN")]
    if not unlimited or now in unlimited:
        return Finding("Power mode", True, found)
    return Finding(
        "Power mode",
        True,
        found,
        f"Its clocks are limited. Without limits, where supply and cooling allow: sudo nvpmodel -m {unlimited[-1]}",
    )


def unseen_tensorrt() -> str | None:
    """Return the command that lets this Python see the TensorRT that JetPack installed for the system's, or None where none is."""
    homes = [
        path.parents[1].name
        for folder in ("usr/lib", "usr/local/lib")
        for path in _ROOT.glob(f"{folder}/python3.*/dist-packages/tensorrt")
    ]
    if not homes:
        return None
    if sys.prefix == sys.base_prefix:
        return "/usr/bin/python3 -m venv --system-site-packages .venv && . .venv/bin/activate"
    # Made again at the same place, an environment keeps its packages; those of another Python are of no use.
    clear = "" if f"python{sys.version_info[0]}.{sys.version_info[1]}" in homes else "--clear "
    return f"/usr/bin/python3 -m venv {clear}--system-site-packages {shlex.quote(sys.prefix)}"


def toolkit_missing() -> bool:
    """Say whether neither PATH nor the place where NVIDIA installs it has the CUDA toolkit's compiler."""
    return not (shutil.which("nvcc") or (_ROOT / _NVCC).exists())


_NVCC = "usr/local/cuda/bin/nvcc"


def _read(path: str) -> str | None:
    try:
        return (_ROOT / path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
