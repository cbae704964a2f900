"""`isfp verify --precision`: what FP16 and INT8 do to a real bundle's masks, and which node is to blame."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from isfp.bundle.bundle import Bundle, write_manifest
from isfp.cli import main as cli
from isfp.engines.record import Precision
from isfp_export.precision.convert import UnknownNodeError, convert
from isfp_export.precision.frames import FramesMissingError, folder, scenes
from isfp_export.precision.verify import compare_precision
from isfp_train import seeds

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundle(exported: Path) -> Bundle:
    return Bundle.open(exported)


@pytest.fixture(scope="module")
def broken(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundle with a harmless detour in FP32 that FP16 cannot take: times 3.6e9, and back."""
    path = tmp_path_factory.mktemp("broken") / "broken.isfp"
    shutil.copytree(exported, path)
    model = onnx.load(path / "identify.onnx")
    graph = model.graph
    at, scan = next((n, node) for n, node in enumerate(graph.node) if node.op_type == "FPMScan")
    detour = [
        helper.make_node("Mul", [scan.input[0], "many"], ["grown"], name="grow"),
        helper.make_node("Mul", ["grown", "many"], ["grown_more"], name="grow_more"),
        helper.make_node("Mul", ["grown_more", "few"], ["same"], name="shrink"),
    ]
    graph.initializer.extend(
        [numpy_helper.from_array(np.float32(6e4), "many"), numpy_helper.from_array(np.float32(1 / 3.6e9), "few")]
    )
    scan.input[0] = "same"
    for node in reversed(detour):
        graph.node.insert(at, node)
    onnx.save(model, path / "identify.onnx")
    fields = json.loads((path / "manifest.json").read_text())
    write_manifest(path, {key: value for key, value in fields.items() if key not in ("format", "version", "files", "sha256")})
    return Bundle.open(path)


def test_half_gives_the_masks_of_float(bundle: Bundle) -> None:
    report = compare_precision(bundle, Precision.FP16, scenes(bundle, 4, seeds.PRECISION_CHECK.start))
    assert (report.nan, report.inf) == (0, 0)
    assert report.mask_iou >= 0.98  # of a network that was hardly trained; the gate is for one that was
    # The masks of a network that was hardly trained are nearly even, so the guided filter's covariances are all rounding.
    assert 0 < report.worst.error < (0.2 if report.worst.node.startswith("guide/") else 0.05)
    assert report.counts["identify"] == {"fp16": 8}
    guided = [reason for name, reason in report.kept["mask"].items() if name.startswith("guide/")]
    assert len(guided) > 50
    assert sum("guided filter" in reason for reason in guided) > 50
    assert set(report.to_json()) >= {"mask_iou", "nan", "inf", "worst", "to_keep", "failures"}


def test_a_node_that_overflows_is_named_and_keeping_it_mends_it(broken: Bundle) -> None:
    frames = scenes(broken, 2, seeds.PRECISION_CHECK.start)
    report = compare_precision(broken, Precision.FP16, frames)
    assert report.inf > 0
    assert report.to_keep.stage == "identify"
    assert report.to_keep.node in ("grow", "grow_more")
    assert "Inf; expected none" in report.failures()[0]
    assert f"--keep {report.to_keep.node}" in report.advice()
    mended = compare_precision(broken, Precision.FP16, frames, ["grow", "grow_more", "shrink"])
    assert (mended.nan, mended.inf) == (0, 0)


def test_int8_is_calibrated_and_counted(bundle: Bundle) -> None:
    report = compare_precision(
        bundle, Precision.INT8, scenes(bundle, 2, seeds.PRECISION_CHECK.start), calibration=scenes(bundle, 2, 1)
    )
    assert (report.nan, report.inf) == (0, 0)
    assert report.counts["image"]["int8"] > 10
    kept = [reason for reason in report.kept["image"].values() if reason.endswith("; FP16")]
    assert all("noise" in reason or "reads the frame" in reason for reason in kept)
    assert report.to_keep.operator == "Conv"  # what is not quantised cannot be kept from it
    assert report.mask_iou > 0.5


def test_int8_needs_frames_and_keep_needs_a_name_that_is_there(bundle: Bundle) -> None:
    with pytest.raises(FramesMissingError, match="--frames FOLDER"):
        convert(bundle, Precision.INT8)
    with pytest.raises(UnknownNodeError, match="nobody"):
        convert(bundle, Precision.FP16, ["nobody"])


def test_pictures_of_a_folder_serve_as_frames(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(FramesMissingError, match="holds no pictures"):
        folder(bundle, tmp_path, 3)
    cv2.imwrite(str(tmp_path / "one.png"), np.full((48, 64, 3), 90, np.uint8))
    (frame,) = folder(bundle, tmp_path, 3)
    assert frame.view.shape == (1, 64, 64, 3)
    assert frame.letterbox.frame_size == (48, 64)


def test_the_command_exits_with_the_advice(
    broken: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from isfp_export import cli as commands

    monkeypatch.setattr(cli.extras, "load", lambda name: getattr(commands, name))
    arguments = ["isfp", "verify", str(broken.path), "--precision", "fp16", "--scenes", "1", "--json"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as end:
        cli.main()
    printed = capsys.readouterr()
    assert end.value.code == 1
    assert json.loads(printed.out)["inf"] > 0
    assert "--keep grow" in " ".join(printed.err.split())
