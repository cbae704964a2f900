"""What a program may import by a name that stays, wherever the code behind it stands."""

from __future__ import annotations

import pytest

import isfp


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("isfp", isfp.__all__),
        ("isfp.bundle", ["Bundle"]),
        ("isfp.camera", ["Camera", "open"]),
        ("isfp.draw", ["card", "grid", "heat_map", "overlay", "sheet"]),
        ("isfp.errors", ["IsfpError"]),
        ("isfp.geometry", ["Intrinsics", "locate", "outline"]),
        ("isfp.pictures", ["read", "write"]),
        ("isfp.video", ["Smoother"]),
    ],
)
def test_public_names_are_where_programs_look_for_them(module: str, names: list[str]) -> None:
    found = __import__(module, fromlist=names)
    assert [name for name in names if not hasattr(found, name)] == []
