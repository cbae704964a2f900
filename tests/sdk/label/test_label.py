import errno
import json
import os
import struct
import sys
import zlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from isfp import PhraseError, Segmenter
from isfp.label.labeller import LabelError, Labeller, Task, _here, find, label, read_phrases
from isfp.label.log import Log
from tests.sdk.colour_bundle import picture
from tests.sdk.label.label_pictures import PHRASES, logged, write_pictures


@pytest.fixture
def folder(tmp_path):
    return write_pictures(tmp_path / "pictures", 9)


@pytest.fixture
def task(colour_bundle, folder):
    return Task(colour_bundle, folder, ("red", "the green thing", "blue"))


def test_pycocotools_reads_the_masks_that_a_segmenter_gives(task, tmp_path):
    summary = label(task, tmp_path / "out")
    assert (summary.pictures, summary.done_before, summary.masks) == (9, 0, 9)
    coco = COCO(summary.out)
    assert [coco.cats[number]["name"] for number in coco.getCatIds()] == ["red", "the green thing", "blue"]
    with Segmenter(task.bundle) as segmenter:
        for image in coco.imgs.values():
            frame = cv2.imread(str(task.folder / image["file_name"]))
            assert (image["height"], image["width"]) == frame.shape[:2]
            (annotation,) = coco.imgToAnns[image["id"]]
            result = segmenter.run(frame, coco.cats[annotation["category_id"]]["name"])
            mask = coco.annToMask(annotation).astype(bool)
            np.testing.assert_array_equal(mask, result.mask)
            assert result.box is not None
            x1, y1, x2, y2 = result.box
            assert annotation["bbox"] == [x1, y1, x2 - x1, y2 - y1]
            assert annotation["area"] == mask.sum()
            assert annotation["score"] == pytest.approx(result.score, abs=1e-4)
    assert coco.loadRes(list(coco.anns.values())).getAnnIds() == coco.getAnnIds()


def test_what_was_not_found_is_told_with_its_reason_in_the_log_and_in_coco(task, tmp_path):
    asked = replace(task, phrases=("red", "qwertz"))
    summary = label(asked, tmp_path / "out")
    coco = COCO(summary.out)
    told = {row["file"]: row for row in map(json.loads, (tmp_path / "out" / "labels.jsonl").read_text().splitlines()[1:])}
    for image in coco.imgs.values():
        rows = {entry["phrase"]: entry for entry in told[image["file_name"]]["things"]}
        assert rows["qwertz"]["reason"] == image["not_found"]["qwertz"] == "no_known_word"
        found = {coco.cats[a["category_id"]]["name"] for a in coco.imgToAnns[image["id"]]}
        assert found | set(image["not_found"]) == {"red", "qwertz"}
        assert not found & set(image["not_found"])


def test_progress_goes_up_to_all_pictures(task, tmp_path):
    seen = []
    label(task, tmp_path / "out", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 9) for done in range(10)]


def test_a_second_run_does_only_what_is_new_or_changed_and_leaves_out_what_is_gone(task, tmp_path):
    out = tmp_path / "out"
    label(task, out)
    cv2.imwrite(str(task.folder / "001.png"), picture(("red", (10, 10, 50, 50)), size=(100, 140)))
    cv2.imwrite(str(task.folder / "new.png"), picture())
    (task.folder / "002.png").unlink()
    summary = label(task, out)
    assert (summary.pictures, summary.done_before) == (9, 7)
    images = {image["file_name"]: image for image in json.loads(summary.out.read_text())["images"]}
    assert "002.png" not in images
    assert images["001.png"]["width"] == 140
    assert logged(out)["001.png"] == 2
    assert logged(out)["004.png"] == 1


def test_a_line_that_a_killed_run_left_unfinished_is_done_again(task, tmp_path):
    whole = label(task, tmp_path / "whole").out.read_bytes()
    out = tmp_path / "out"
    label(task, out)
    log = out / "labels.jsonl"
    for size in range(log.stat().st_size - 1, 200, -397):
        log.write_bytes(log.read_bytes()[:size])
        summary = label(task, out)
        assert summary.out.read_bytes() == whole
        assert set(logged(out).values()) == {1}


def test_a_picture_that_cannot_be_read_is_told_and_done_once_it_can_be(task, tmp_path):
    (task.folder / "bad.jpg").write_bytes(b"no picture")
    summary = label(task, tmp_path / "out")
    assert summary.pictures == 10
    assert list(summary.unreadable) == ["bad.jpg"]
    assert "is not a picture" in summary.unreadable["bad.jpg"]
    assert len(COCO(summary.out).imgs) == 9
    cv2.imwrite(str(task.folder / "bad.jpg"), picture())
    summary = label(task, tmp_path / "out")
    assert (summary.done_before, summary.unreadable) == (9, {})
    assert len(COCO(summary.out).imgs) == 10


def test_pictures_that_cannot_be_read_cost_no_other_its_labels(task, tmp_path):
    files = [path.as_posix() for path in find(task.folder).pictures]
    whole = {row["file"]: row for row in Labeller(task).rows(files)}
    for name in ("000.jpg", "004a.jpg", "004b.jpg", "999.jpg"):
        (task.folder / name).write_bytes(b"no picture")
        files = sorted([*files, name])
    labeller = Labeller(task)
    with labeller.segmenter:
        rows = list(labeller.rows(files))
    assert [row["file"] for row in rows] == files
    assert [row["file"] for row in rows if "error" in row] == ["000.jpg", "004a.jpg", "004b.jpg", "999.jpg"]
    assert {row["file"]: row for row in rows if "error" not in row} == whole


def test_a_picture_of_more_pixels_than_opencv_takes_does_not_end_the_run(task, tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    (task.folder / "huge.png").write_bytes(content)
    summary = label(task, tmp_path / "out")
    assert list(summary.unreadable) == ["huge.png"]
    assert summary.masks == 9


def test_labels_of_another_task_are_not_mixed_in(task, tmp_path):
    label(task, tmp_path / "out")
    with pytest.raises(LabelError, match="from another task, with a different threshold.*Choose another folder"):
        label(replace(task, threshold=0.9), tmp_path / "out")


def test_one_more_phrase_is_looked_for_without_doing_all_again(task, tmp_path):
    whole = label(task, tmp_path / "whole").out.read_bytes()
    out, asked = tmp_path / "out", []

    def rows(part, files):
        asked.append((part.phrases, len(files)))
        return _here(part, files)

    label(replace(task, phrases=("red", "blue")), out, rows)
    summary = label(task, out, rows)
    assert asked == [(("red", "blue"), 9), (("the green thing",), 9)]
    assert summary.out.read_bytes() == whole
    fewer = label(replace(task, phrases=("blue",)), out, rows)
    assert (fewer.done_before, fewer.masks) == (9, 3)
    assert [category["name"] for category in json.loads(fewer.out.read_text())["categories"]] == ["blue"]
    assert label(task, out, rows).out.read_bytes() == whole, "what was found before is still there"
    assert len(asked) == 2


def test_a_file_name_that_is_not_utf8_is_labelled_like_any_other(task, tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    try:
        (task.folder / name).write_bytes((task.folder / "001.png").read_bytes())
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    for before in (0, 10):
        summary = label(task, tmp_path / "out")
        assert (summary.pictures, summary.done_before, summary.unreadable) == (10, before, {})
    summary.out.read_text(encoding="ascii")
    assert name in {image["file_name"] for image in json.loads(summary.out.read_text())["images"]}


def test_what_is_passed_over_is_counted_and_named(isfp, colour_bundle, folder, tmp_path):
    for name in ("._001.png", "photo.HEIC", "scan.jp2", "film.avif", "notes.txt"):
        (folder / name).write_bytes(b"x")
    (folder / ".thumbnails").mkdir()
    (folder / ".thumbnails" / "a.png").write_bytes(b"x")
    (tmp_path / "other").mkdir()
    (folder / "linked").symlink_to(tmp_path / "other")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "phrases.txt").write_text("red")
    arguments = ["label", colour_bundle, folder, "--phrases", tmp_path / "phrases.txt", "--out", tmp_path / "out", "--json"]
    code, printed, messages = isfp(*arguments)
    assert code == 0
    assert json.loads(printed)["pictures"] == 9
    assert json.loads(printed)["passed_over"] == {
        "other_kinds": ["film.avif", "photo.HEIC", "scan.jp2"],
        "linked_folders": ["linked"],
        "unreadable": ["gone.png"],
    }
    assert "3 files that look like pictures are of a kind that is not read (.avif, .heic, .jp2)" in messages
    assert "1 linked folder is not followed: linked" in messages
    assert "1 path cannot be read (no permission, or not a file): gone.png" in messages


def test_a_file_that_goes_away_while_it_is_labelled_is_told(task, tmp_path):
    def rows(part, files):
        (task.folder / "004.png").unlink()
        return _here(part, files)

    assert list(label(task, tmp_path / "out", rows).unreadable) == ["004.png"]


def test_a_full_disk_is_one_message_and_loses_nothing(task, tmp_path, monkeypatch):
    calls = []

    def full(number):
        calls.append(number)
        if len(calls) == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("isfp.label.log.os.fsync", full)
    with pytest.raises(LabelError, match="The disk is full.*run the same command again"):
        label(task, tmp_path / "out")
    monkeypatch.undo()
    assert logged(tmp_path / "out").total() == 3
    assert label(task, tmp_path / "out").done_before == 3


def test_each_row_is_on_disk_before_its_picture_counts_as_done(task, tmp_path):
    seen = []
    label(task, tmp_path / "out", progress=lambda done, total: seen.append((done, logged(tmp_path / "out").total())))
    assert all(done == written for done, written in seen)


def test_the_number_of_threads_is_passed_on(task):
    assert Labeller(replace(task, threads=1)).segmenter.runtime._options.intra_op_num_threads == 1


def test_two_runs_do_not_write_to_one_folder(task, tmp_path):
    out = tmp_path / "out"
    label(task, out)
    header = json.loads((out / "labels.jsonl").read_text().splitlines()[0])
    with Log.open(out, header), pytest.raises(LabelError, match="Another run is writing"):
        label(task, out)
    label(task, out)


@pytest.mark.parametrize("content", [b"no log\n", b'{"format": "isfp-labels", "version": 1}\n', b"[1]\n", b"\xff\xfe\n"])
def test_what_is_no_log_is_refused_and_left_as_it_is(task, tmp_path, content):
    log = tmp_path / "out" / "labels.jsonl"
    log.parent.mkdir()
    log.write_bytes(content)
    with pytest.raises(LabelError, match="Choose another folder"):
        label(task, tmp_path / "out")
    assert log.read_bytes() == content


def test_a_phrase_without_a_word_is_refused_before_anything_is_written(task, tmp_path):
    with pytest.raises(PhraseError):
        label(Task(task.bundle, task.folder, ("red", "!")), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folders_without_pictures_are_refused(tmp_path):
    with pytest.raises(LabelError, match="is not a folder"):
        find(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(LabelError, match=r"has no picture; expected files that end in \.bmp"):
        find(tmp_path)


def test_phrases_are_read_line_by_line(tmp_path):
    path = tmp_path / "phrases.txt"
    path.write_text(PHRASES, encoding="utf-8-sig")
    assert read_phrases(path) == ("red", "the green thing", "blue")
    for content in (b"# none\n\n", b"\xff\xfe\x00"):
        path.write_bytes(content)
        with pytest.raises(LabelError, match="one "):
            read_phrases(path)
    with pytest.raises(LabelError, match="cannot be read"):
        read_phrases(tmp_path / "none.txt")


def test_the_command_prints_json_and_fails_where_pictures_cannot_be_read(isfp, colour_bundle, folder, tmp_path):
    phrases = tmp_path / "phrases.txt"
    phrases.write_text("red\nthe blue zebra\n")
    arguments = ["label", colour_bundle, folder, "--phrases", phrases, "--out", tmp_path / "out"]
    code, printed, messages = isfp(*arguments, "--json")
    assert code == 0
    assert json.loads(printed)["pictures"] == 9
    assert "'the blue zebra': unknown words: zebra" in messages
    (folder / "bad.jpg").write_bytes(b"")
    code, printed, messages = isfp(*arguments)
    assert (code, printed) == (1, "")
    assert "9 of them by an earlier run" in messages
    assert "isfp: 1 of 10 images cannot be read" in messages


@pytest.mark.parametrize(("module", "more", "extra"), [("pycocotools", [], "label"), ("ray", ["--ray"], "ray")])
def test_a_module_that_is_missing_is_named_with_its_extra(isfp, monkeypatch, module, more, extra):
    ours = ("isfp.label.labeller", "isfp.label.cluster")
    for name in [name for name in sys.modules if name.split(".")[0] == module or name in ours]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    code, _, messages = isfp("label", "b.isfp", "pictures", "--phrases", "p.txt", "--out", "out", *more)
    assert code == 1
    assert f'pip install "isfp[{extra}]"' in messages
