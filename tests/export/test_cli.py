"""The commands refuse to overwrite what they read, before any work."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from isfp.errors import WriteError
from isfp_export import cli


def call(command: str, *arguments: object) -> Result:
    app = typer.Typer()
    app.command()(getattr(cli, command))
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", ["manifest.json", "image.onnx"])
def test_a_report_that_is_a_file_of_the_bundle_is_refused(colour_bundle: Path, name: str) -> None:
    before = (colour_bundle / name).read_bytes()
    result = call("build", colour_bundle, "--runtime", "tensorrt", "--report", colour_bundle / name)
    assert isinstance(result.exception, WriteError)
    assert "is an input of this command" in str(result.exception)
    assert (colour_bundle / name).read_bytes() == before


def test_a_bundle_that_holds_the_checkpoint_or_the_history_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "a.isfp"
    out.mkdir()
    for name in ("manifest.json", "last.ckpt", "history.md"):
        (out / name).write_text("x")
    for arguments in ((out / "last.ckpt",), (tmp_path / "other.ckpt", "--history", out / "history.md")):
        result = call("export", *arguments, "--out", out)
        assert isinstance(result.exception, WriteError)
        assert "or holds one" in str(result.exception)
    assert len(list(out.iterdir())) == 3
