"""Arrows run one way: export -> train -> sdk. Nothing imports upward."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.paths import ROOT

FORBIDDEN = {
    "sdk/isfp": {"isfp_train", "isfp_export", "torch"},
    "train/isfp_train": {"isfp_export", "onnx", "onnxruntime", "tensorrt"},
    "export/isfp_export": {"samples", "tests"},
}


def imported(path: Path) -> set[str]:
    """Top-level names of everything that a file imports, wherever it does."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_nothing_imports_upward(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert len(files) > 5
    wrong = {str(path.relative_to(ROOT)): found for path in files if (found := imported(path) & FORBIDDEN[folder])}
    assert not wrong
