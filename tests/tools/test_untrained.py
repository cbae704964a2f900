"""A checkpoint of a size that nobody has trained: it can be read and exported like a trained one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import untrained
from isfp_export.bundle.export import export_bundle
from isfp_train.run import checkpoint
from tests.train.tiny import TINY


@pytest.mark.slow
def test_an_untrained_network_is_exported_like_a_trained_one(tmp_path: Path) -> None:
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump(TINY), encoding="utf-8")
    untrained.main(config, tmp_path / "tiny.pt")
    assert checkpoint.load(tmp_path / "tiny.pt").step == 0
    export_bundle(tmp_path / "tiny.pt", tmp_path / "tiny.isfp", scenes=2)
    assert (tmp_path / "tiny.isfp" / "manifest.json").is_file()
