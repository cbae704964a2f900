"""The wheel is built and installed into a clean environment, extra by extra, as a user does it."""

import json
import subprocess
import sys
import venv
from email.parser import Parser
from importlib.metadata import PackageNotFoundError, version
from zipfile import ZipFile

import cv2
import numpy as np
import pytest

pytest.importorskip("build.env", reason="needs pip install build")  # a folder build/ alone imports too
from packaging.requirements import Requirement

from tests.paths import ROOT

BUNDLE = ROOT / "models" / "edge.isfp"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
QUIETLY = ("--quiet", "--disable-pip-version-check", "--no-compile")
#: Installed for real; of the others (PyTorch, Ray, CUDA) the requirements are looked up.
SMALL = ("label", "web", "explain")


def call(*command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the source distribution."""
    out = tmp_path_factory.mktemp("dist")
    done = call(sys.executable, "-m", "build", "--outdir", out, ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = out.glob("isfp-*.whl")
    return path


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory):
    """A new environment with the wheel and nothing but what it asks for: the environment's folder of programs."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True)
    done = call(folder / "bin" / "python", "-m", "pip", "install", *QUIETLY, f"{wheel}[opencv-headless]")
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "bin"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    drawn = cv2.circle(np.full((240, 320, 3), 200, np.uint8), (90, 120), 50, (30, 30, 200), -1)
    assert cv2.imwrite(str(folder / "table.png"), drawn)
    return folder / "table.png"


def requirements(wheel):
    """Each extra's requirements, those of extras that it takes in included."""
    with ZipFile(wheel) as file:
        (name,) = [name for name in file.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(file.read(name).decode())
    asked = [Requirement(line) for line in metadata.get_all("Requires-Dist")]
    return {
        extra: [one for one in asked if one.marker and one.marker.evaluate({"extra": extra})]
        for extra in metadata.get_all("Provides-Extra")
    }


def test_the_wheel_holds_the_packages_and_the_page_but_no_tests_or_models(wheel):
    with ZipFile(wheel) as file:
        names = file.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"isfp", "isfp_train", "isfp_export"}
    assert {"isfp/web/page/page.js", "isfp/py.typed"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert wheel.stat().st_size < 2e6


def test_the_base_install_runs_a_bundle_on_a_picture(clean, table, tmp_path):
    assert "Find what a phrase describes" in call(clean / "isfp", "--help").stdout
    out = tmp_path / "out.png"
    done = call(clean / "isfp", "run", BUNDLE, "--image", table, "--phrase", "the red ball", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["frame_size"] == [240, 320]
    assert 0 <= result["score"] <= 1
    assert cv2.imread(str(out)) is not None
    listed = call(clean / "python", "-m", "pip", "list", "--format", "freeze").stdout.lower()
    assert not {"torch", "onnx", "starlette", "ray"} & {line.split("==")[0] for line in listed.splitlines()}


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (("label", "BUNDLE", "FOLDER", "--phrases", "PHRASES", "--out", "OUT"), "label"),
        (("serve", "BUNDLE"), "web"),
        (("record", "BUNDLE", "PICTURE", "--phrase", "red", "--out", "OUT/run.rrd"), "rerun"),
        (("train", "tiny.yaml"), "train"),
        (("verify", "BUNDLE", "--precision", "fp16"), "train,export"),
        (("build", "BUNDLE", "--runtime", "tensorrt"), "tensorrt,rtx"),
    ],
)
def test_a_command_whose_extra_is_missing_names_it(clean, table, tmp_path, command, extra):
    (tmp_path / "phrases.txt").write_text("red\n")
    names = {
        "BUNDLE": BUNDLE,
        "FOLDER": table.parent,
        "PICTURE": table,
        "PHRASES": tmp_path / "phrases.txt",
        "OUT": tmp_path,
    }
    done = call(clean / "isfp", *(names.get(word, word) for word in command), cwd=tmp_path, timeout=60)
    assert done.returncode == 1
    assert f'pip install "isfp[{extra}]"' in done.stderr.replace("\n", " ")


def test_small_extras_bring_what_their_commands_need(clean, wheel, table, tmp_path):
    done = call(clean / "python", "-m", "pip", "install", *QUIETLY, f"{wheel}[{','.join(SMALL)}]")
    assert done.returncode == 0, done.stderr[-2000:]
    (tmp_path / "phrases.txt").write_text("red\n")
    label = ("label", BUNDLE, table.parent, "--phrases", tmp_path / "phrases.txt", "--out", tmp_path / "labels")
    explain = ("explain", BUNDLE, "--image", table, "--phrase", "red", "--out", tmp_path / "inside")
    for command in (label, explain):
        done = call(clean / "isfp", *command)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "labels" / "annotations.json").is_file()
    assert list((tmp_path / "inside").glob("*.png"))
    assert call(clean / "python", "-c", "import isfp.web.app").returncode == 0
    assert call(clean / "python", "-m", "pip", "check").returncode == 0


def is_installed(asked: Requirement) -> bool:
    try:
        return asked.specifier.contains(version(asked.name), prereleases=True)
    except PackageNotFoundError:
        return False


def test_what_extras_ask_for_can_be_had(wheel):
    """Installed here in a version that fits, or known to the package index; nothing is downloaded."""
    for extra, asked in requirements(wheel).items():
        assert asked, f"the extra {extra} asks for nothing"
        for one in asked:
            if one.name == "isfp":
                continue
            if is_installed(one):  # extras that exclude each other, such as cuda12 and cuda13, cannot both be
                continue
            done = call(sys.executable, "-m", "pip", "index", "versions", one.name)
            assert done.returncode == 0, f"{extra}: {one}: {done.stderr}"
            found = done.stdout.split("Available versions:")[1].splitlines()[0].split(",")
            assert any(one.specifier.contains(each.strip()) for each in found), f"{extra}: {one}; there are {found}"
