"""Imports run one way: export -> train -> sdk, and within each package as CONTRIBUTING.md lists it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.paths import ROOT

FORBIDDEN = {
    "sdk/isfp": {"isfp_train", "isfp_export", "torch"},
    "train/isfp_train": {"isfp_export", "onnx", "onnxruntime", "tensorrt"},
    "export/isfp_export": {"samples", "tools", "tests"},
}
FOLDERS = {"isfp": ROOT / "sdk", "isfp_train": ROOT / "train", "isfp_export": ROOT / "export"}
# "    isfp_export       onnx | bundle | ..." -> {"isfp_export": [{"onnx"}, {"bundle"}, ...]}
LISTED = {
    package: [set(layer.split()) for layer in layers.split("|")]
    for package, layers in re.findall(
        r"^    (isfp[\w.]*) +(.+ \| .+)$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE
    )
}


def imported(path: Path) -> set[str]:
    """Dotted names of everything that a file imports, wherever it does: of `from a.b import c`, both `a.b` and `a.b.c`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def folder_of(package: str) -> Path:
    """The folder of a package, by its dotted name."""
    return FOLDERS[package.split(".")[0]].joinpath(*package.split("."))


def members(package: str) -> dict[str, list[Path]]:
    """The modules and sub-packages of a package, with their files."""
    found = {}
    for path in sorted(folder_of(package).iterdir()):
        if path.is_dir() and (path / "__init__.py").exists():
            found[path.name] = sorted(path.rglob("*.py"))
        elif path.suffix == ".py" and path.name != "__init__.py":
            found[path.stem] = [path]
    return found


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_nothing_imports_upward(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert len(files) > 5
    tops = {path: {name.split(".")[0] for name in imported(path)} for path in files}
    wrong = {str(path.relative_to(ROOT)): found for path in files if (found := tops[path] & FORBIDDEN[folder])}
    assert not wrong


def test_contributing_lists_every_package() -> None:
    assert set(LISTED) == {"isfp", "isfp_train", "isfp_train.data", "isfp_export"}


@pytest.mark.parametrize("package", LISTED)
def test_the_listing_names_what_is_there(package: str) -> None:
    listed = [name for layer in LISTED[package] for name in layer]
    assert sorted(listed) == sorted(members(package))


@pytest.mark.parametrize("package", LISTED)
def test_within_a_package_imports_run_to_the_left_of_the_listing(package: str) -> None:
    wrong = []
    below: set[str] = set()
    files = members(package)
    for layer in LISTED[package]:
        for name in sorted(layer):
            allowed = below | {name}
            for path in files[name]:
                targets = {
                    found.removeprefix(f"{package}.").split(".")[0] for found in imported(path) if found.startswith(f"{package}.")
                }
                wrong += [f"{path.relative_to(ROOT)} imports {package}.{target}" for target in (targets & files.keys()) - allowed]
        below |= layer
    assert not wrong


def test_the_sdk_shows_fewer_than_20_names() -> None:
    assert len([path for path in (ROOT / "sdk" / "isfp").iterdir() if path.name != "__pycache__"]) < 20
