"""Recordings are read back with Rerun's own reader."""

import sys

import cv2
import numpy as np
import pytest

from isfp import IsfpError, Segmenter
from tests.sdk.colour_bundle import picture

pytest.importorskip("rerun", reason='needs pip install "isfp[rerun]"')
from rerun.chunk import RrdReader

from isfp.draw.rerun import RerunRecorder

PHRASES = ["the red thing", "green / blue"]


def frames(count: int) -> list[np.ndarray]:
    """A red box that moves to the right."""
    return [picture(("red", (20 * n, 80, 160 + 20 * n, 240)), size=(480, 640)) for n in range(count)]


def rows(path, entity: str) -> list[dict]:
    """All that was recorded for an entity, in the frames' order."""
    chunks = (chunk for chunk in RrdReader(path).stream().to_chunks() if chunk.entity_path == entity)
    found = [row for chunk in chunks for row in chunk.to_record_batch().to_pylist()]
    return sorted(found, key=lambda row: row.get("frame", -1))


def image(row: dict, kind: str, dtype: type) -> np.ndarray:
    form = row[f"{kind}:format"][0]
    return np.array(row[f"{kind}:buffer"][0], np.uint8).view(dtype).reshape(form["height"], form["width"])


@pytest.fixture(scope="module")
def recorded(colour_bundle, tmp_path_factory):
    """A recording, its frames, and what the Segmenter said."""
    path, shown = tmp_path_factory.mktemp("recordings") / "new" / "out.rrd", frames(3)
    with Segmenter(colour_bundle) as segmenter, RerunRecorder(path, segmenter.threshold) as recorder:
        results = [segmenter.run(frame, PHRASES) for frame in shown]
        for number, (frame, said) in enumerate(zip(shown, results, strict=True)):
            recorder.log(frame, said, seconds=number / 10)
    return path, shown, results


def test_frames_are_on_both_timelines(recorded):
    path, shown, _ = recorded
    found = [row for row in rows(path, "/frame") if "EncodedImage:blob" in row]
    assert [row["frame"] for row in found] == [0, 1, 2]
    assert [row["time"].total_seconds() for row in found] == pytest.approx([0, 0.1, 0.2])
    for row, frame in zip(found, shown, strict=True):
        decoded = cv2.imdecode(np.array(row["EncodedImage:blob"][0], np.uint8), cv2.IMREAD_COLOR)
        assert np.abs(decoded.astype(int) - frame).mean() < 3


def test_masks_and_boxes_are_those_of_the_run(recorded):
    path, _, results = recorded
    for row, boxes, (red, green) in zip(rows(path, "/frame/mask"), rows(path, "/frame/box"), results, strict=True):
        assert red.found
        assert not green.found
        np.testing.assert_array_equal(image(row, "SegmentationImage", np.uint16), red.mask.astype(np.uint16))
        corners = np.array(boxes["Boxes2D:centers"]) - np.array(boxes["Boxes2D:half_sizes"])
        np.testing.assert_allclose(corners, [red.box[:2]])
        assert boxes["Boxes2D:labels"] == [f"the red thing {red.score:.2f}"]


def test_maps_scores_and_times_are_those_of_the_run(recorded):
    path, _, results = recorded
    maps, scores = rows(path, r"/map/the\ red\ thing"), rows(path, r"/score/green\ \/\ blue")
    times, threshold = rows(path, "/milliseconds/identify"), rows(path, "/threshold")
    for number, (red, green) in enumerate(results):
        np.testing.assert_array_equal(image(maps[number], "DepthImage", np.float32), red.identifying_map)
        assert scores[number]["Scalars:scalars"] == [pytest.approx(green.score)]
        assert times[number]["Scalars:scalars"] == [pytest.approx(red.milliseconds["identify"])]
        assert threshold[number]["Scalars:scalars"] == [0.5]


def test_classes_carry_the_phrases_and_the_viewer_is_told_its_layout(recorded):
    path, _, _ = recorded
    context = str([row for row in rows(path, "/frame") if "AnnotationContext:context" in row])
    assert all(name in context for name in [*PHRASES, "nothing"])
    assert len(RrdReader(path).blueprints()) == 1


def test_phrases_may_change_on_the_way(colour_bundle, tmp_path):
    (frame,) = frames(1)
    with Segmenter(colour_bundle) as segmenter, RerunRecorder(tmp_path / "out.rrd", 0.5) as recorder:
        for phrases in (["green"], ["red", "green"], []):
            recorder.log(frame, segmenter.run(frame, phrases))
    masks = [image(row, "SegmentationImage", np.uint16) for row in rows(tmp_path / "out.rrd", "/frame/mask")]
    assert [mask.max() for mask in masks] == [0, 2, 0]  # red is the second phrase that was met


def test_a_file_that_cannot_be_a_recording_is_refused(tmp_path):
    with pytest.raises(IsfpError, match=r"ends in '.mp4'; expected .rrd"):
        RerunRecorder(tmp_path / "out.mp4", 0.5)
    (tmp_path / "file").touch()
    with pytest.raises(IsfpError, match="cannot be written"):
        RerunRecorder(tmp_path / "file" / "out.rrd", 0.5)


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "in.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (640, 480))
    for frame in frames(5):
        writer.write(frame)
    writer.release()
    return path


def test_the_command_records_a_video_frame_by_frame(isfp, colour_bundle, video, tmp_path):
    out = tmp_path / "out.rrd"
    code, _, messages = isfp("record", colour_bundle, video, "--phrase", "red", "--out", out)
    assert code == 0
    assert f"Recorded 5 frames to {out}. To view them: rerun {out}" in messages
    scores = rows(out, "/score/red")
    assert [row["time"].total_seconds() for row in scores] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert all(row["Scalars:scalars"][0] > 0.5 for row in scores)


def test_the_command_stops_after_so_many_frames(isfp, colour_bundle, video, tmp_path):
    out = tmp_path / "out.rrd"
    assert isfp("record", colour_bundle, video, "--phrase", "red", "--out", out, "--frames", 2)[0] == 0
    assert len(rows(out, "/score/red")) == 2


def test_without_its_extra_record_says_what_to_install(isfp, monkeypatch, colour_bundle, video, tmp_path):
    monkeypatch.setitem(sys.modules, "rerun", None)
    monkeypatch.delitem(sys.modules, "isfp.draw.rerun")
    code, _, messages = isfp("record", colour_bundle, video, "--phrase", "red", "--out", tmp_path / "out.rrd")
    assert code == 1
    assert 'pip install "isfp[rerun]"' in messages
