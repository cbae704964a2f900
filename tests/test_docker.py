"""The Dockerfile is linted, and what its targets name is there. No image is built: tests have no Docker."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from tests.paths import ROOT

DOCKERFILE = ROOT / "docker" / "Dockerfile"
TARGETS = json.loads((ROOT / "docker" / "docker-bake.json").read_text(encoding="utf-8"))["target"]
#: Rules that do not hold here: DD069 takes the name g++ for a wildcard, DD012 asks for a health check, which is for services.
IGNORED = "DD012,DD069"
BAD = "FROM ubuntu:latest\nRUN apt-get install curl\nCOPPY a b\nCMD foo\n"


def practice(path):
    """What dockerfile-doctor finds: warnings and errors of good practice."""
    pytest.importorskip("dockerfile_doctor", reason="needs pip install dockerfile-doctor")
    command = [
        sys.executable,
        "-m",
        "dockerfile_doctor",
        "--format",
        "json",
        "--severity",
        "warning",
        "--ignore",
        IGNORED,
        str(path),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def syntax(tmp_path_factory):
    """What dockerfile-utils, the linter of Docker's language server, finds: errors of syntax and deprecations."""
    npm, folder = shutil.which("npm"), tmp_path_factory.mktemp("linter")
    if not npm or not shutil.which("node"):
        pytest.skip("needs Node.js: apt install nodejs npm")
    install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "dockerfile-utils@0.16.3"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install dockerfile-utils: {done.stderr[-200:]}")
    linter = folder / "node_modules" / ".bin" / "dockerfile-utils"
    return lambda path: subprocess.run([linter, "lint", str(path)], capture_output=True, text=True, check=False)


def test_the_dockerfile_follows_good_practice(tmp_path):
    done = practice(DOCKERFILE)
    assert done.returncode == 0, done.stdout
    assert '"severity": "warning"' not in done.stdout
    bad = tmp_path / "Dockerfile"
    bad.write_text(BAD)
    assert "DD001" in practice(bad).stdout  # the linter is awake


def test_the_dockerfile_is_sound(syntax, tmp_path):
    done = syntax(DOCKERFILE)
    assert done.returncode == 0, done.stdout
    bad = tmp_path / "Dockerfile"
    bad.write_text(BAD)
    assert "Unknown instruction: COPPY" in syntax(bad).stdout


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_names_a_pinned_image_of_nvidia_and_arguments_that_the_dockerfile_takes(name):
    target = TARGETS[name]
    assert re.fullmatch(r"nvcr\.io/nvidia/[\w-]+:r?\d[\w.-]+", target["args"]["BASE"])
    assert set(target["args"]) == set(re.findall(r"^ARG (\w+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE))
    assert all(re.fullmatch(r"\d+", architecture) for architecture in target["args"]["ARCHITECTURES"].split(";"))


def test_what_the_dockerfile_copies_exists_and_reaches_the_builder():
    text = DOCKERFILE.read_text(encoding="utf-8")
    sources = [name for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for name in line.split()[:-1]]
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert sources
    assert [name for name in sources if not (ROOT / name).exists() or f"!{name}" not in allowed] == []


def test_the_image_runs_as_a_user_without_rights():
    user = re.findall(r"^USER (\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert user
    assert user[-1] not in ("root", "0")
