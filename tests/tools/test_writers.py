"""Whatever writes a file for the user writes it through the one writer: a half-written file is never taken for a whole one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(path for folder in ("sdk", "train", "export", "samples", "tools") for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_picture_is_written_in_its_place(path: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    names = [called.attr for called in calls if isinstance(called, ast.Attribute)]
    assert "imwrite" not in names, "use isfp.pictures.write, or isfp.files.atomic_file.write_bytes"
