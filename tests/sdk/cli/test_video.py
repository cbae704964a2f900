import importlib.util
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from isfp.camera.encoders import _opencv_has_h264
from isfp.camera.sources import stated_length
from isfp.camera.video_file import VideoFile, VideoFileError
from tests.sdk.colour_bundle import picture


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Twelve frames: a red thing that moves right and is hidden in frames 5 to 8."""
    path = tmp_path_factory.mktemp("video") / "in.avi"
    with VideoFile(path, 10) as file:
        for number in range(12):
            file.write(picture() if 5 <= number <= 8 else picture(("red", (4 + 4 * number, 16, 68 + 4 * number, 80))))
    return path


def plays_h264() -> bool:
    return importlib.util.find_spec("av") is not None or _opencv_has_h264()


def frames(path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    read = []
    while (pair := capture.read())[0]:
        read.append(pair[1])
    return read


@pytest.mark.parametrize("ending", [".mp4", ".avi", ".webm"])
def test_a_video_goes_in_and_one_with_masks_comes_out(isfp, colour_bundle, video, tmp_path, ending):
    out = tmp_path / "new" / f"out{ending}"
    code, printed, messages = isfp("run", colour_bundle, "--video", video, "--phrase", "red", "--phrase", "blue", "--out", out)
    assert code == 0, messages
    assert "12/12" in messages
    assert "12 frames" in messages
    assert "0 of 12" in printed
    written = frames(out)
    assert len(written) == 12
    assert written[0].shape == (96, 128, 3)
    assert cv2.VideoCapture(str(out)).get(cv2.CAP_PROP_FPS) == pytest.approx(10)
    assert np.abs(written[0][40:60, 20:40].astype(float) - frames(video)[0][40:60, 20:40]).mean() > 10, "the mask is drawn over it"
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    assert ("browsers do not play" in messages) == (ending == ".avi" or (ending == ".mp4" and not plays_h264()))


@pytest.mark.parametrize("smooth", [True, False])
def test_json_is_one_line_a_frame(isfp, colour_bundle, video, smooth):
    arguments = [] if smooth else ["--no-smooth"]
    code, printed, _ = isfp("run", colour_bundle, "--video", video, "--phrase", "red", "--json", *arguments)
    assert code == 0
    lines = [json.loads(line) for line in printed.splitlines()]
    assert [line["frame"] for line in lines] == list(range(12))
    assert lines[3]["seconds"] == pytest.approx(0.3)
    found = [line["results"][0]["found"] for line in lines]
    assert found[:5] == [True] * 5
    assert found[6:9] == [False] * 3
    assert found[10:] == [True] * 2
    assert ("steady" in lines[0]["results"][0]["milliseconds"]) == smooth


def test_several_objects_of_a_phrase_are_found_in_every_frame(isfp, colour_bundle, tmp_path):
    two = picture(("red", (8, 20, 40, 52)), ("red", (80, 40, 120, 80)))
    with VideoFile(tmp_path / "in.avi", 10) as file:
        for frame in (two, picture(), two):
            file.write(frame)
    command = ("run", colour_bundle, "--video", tmp_path / "in.avi", "--phrase", "red", "--phrase", "green", "--several")
    code, printed, messages = isfp(*command, "--json", "--out", tmp_path / "out.avi")
    assert code == 0, messages
    lines = [json.loads(line)["results"] for line in printed.splitlines()]
    assert [len(red["objects"]) for red, _ in lines] == [2, 0, 2]
    assert [len(green["objects"]) for _, green in lines] == [0, 0, 0]
    first = frames(tmp_path / "out.avi")[0].astype(float)
    for rows, columns in ((slice(40, 50), slice(15, 35)), (slice(60, 75), slice(90, 110))):
        assert np.abs(first[rows, columns] - two[rows, columns]).mean() > 10, "both are drawn"
    _, printed, _ = isfp(*command)
    assert "most at once" in printed
    assert "2 of 3" in printed
    code, _, messages = isfp(*command, "--smooth")
    assert code == 2
    assert "--smooth follows one object" in " ".join(messages.replace("│", " ").split())


def test_progress_is_shown_while_it_runs(colour_bundle, video):
    terminal = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-m", "isfp.cli", "run", str(colour_bundle), "--video", str(video), "--phrase", "red"]
    messages = subprocess.run(command, capture_output=True, text=True, check=True, env=terminal).stderr
    assert "0/12" in messages
    assert "12/12" in messages


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--video", "none.mp4"], "none.mp4 does not exist"),
        (["--video", __file__], "cannot be opened"),
        (["--video", "VIDEO", "--out", "x.gif"], r"x.gif ends in '.gif'; expected .mp4 or .avi or .webm"),
        (["--video", "VIDEO", "--out", "VIDEO"], "is an input of this command"),
        (["--video", "-"], "a video is read from a file"),
        (["--video", "https://host/a.mp4?token=s3cret"], "https://host/a.mp4?... is a URL"),
    ],
)
def test_what_cannot_be_read_or_written_is_one_message(isfp, colour_bundle, video, arguments, message):
    arguments = [str(video) if argument == "VIDEO" else argument for argument in arguments]
    code, printed, messages = isfp("run", colour_bundle, "--phrase", "red", *arguments)
    assert (code, printed) == (1, "")
    assert message in messages
    assert "Traceback" not in messages


@pytest.mark.parametrize("arguments", [[], ["--image", "a.png", "--video", "b.mp4"]])
def test_a_picture_or_a_video_must_be_given_and_not_both(isfp, colour_bundle, arguments):
    code, _, messages = isfp("run", colour_bundle, "--phrase", "red", *arguments)
    assert code == 2
    assert "either --image or --video" in messages


def test_a_video_that_is_cut_short_says_how_much_was_read(isfp, colour_bundle, video, tmp_path):
    short = tmp_path / "short.avi"
    short.write_bytes(video.read_bytes()[: video.stat().st_size * 2 // 3])
    assert stated_length(short).frames == stated_length(video).frames == 12
    code, _, messages = isfp("run", colour_bundle, "--video", short, "--phrase", "red")
    assert code == 0
    assert "states 12 frames; only " in messages


def test_a_video_that_fails_leaves_what_stood_there(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"before")

    def write(*sizes: tuple[int, int]) -> None:
        with VideoFile(path, 10) as file:
            for size in sizes:
                file.write(picture(size=size))

    with pytest.raises(VideoFileError, match="64 x 48; expected 128 x 96"):
        write((96, 128), (48, 64))
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_odd_sizes_are_written(tmp_path):
    with VideoFile(tmp_path / "odd.mp4", 10) as file:
        file.write(picture(size=(95, 127)))
    (frame,) = frames(tmp_path / "odd.mp4")
    assert frame.shape[:2] == (96, 128), "one row and column are repeated, and none is lost"


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(VideoFileError, match="cannot be written"):
        VideoFile(tmp_path / "file" / "out.mp4", 10)
