"""A folder is replaced in one step, and what killed processes leave is put back or removed."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from isfp.bundle import atomic_folder as module
from isfp.bundle.atomic_folder import atomic_folder, recover
from isfp.bundle.bundle import Bundle
from isfp.errors import BundleMissingError, WriteError
from isfp.files.leftovers import remove_leftovers, temporary_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="leftovers are told by flock")

HELD = """
import sys, time
from pathlib import Path
from isfp.bundle.atomic_folder import atomic_folder
with atomic_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print("inside", flush=True)
    time.sleep(60)
"""


def killed_inside(place: Path, kill: bool = True) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-c", HELD, str(place)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "inside\n"
    if kill:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    return process


def written(place: Path, text: str) -> None:
    with atomic_folder(place) as folder:
        (folder / "text").write_text(text)


def test_on_a_full_disk_the_folder_that_stood_there_stays_and_the_error_is_typed(tmp_path, monkeypatch):
    place = tmp_path / "place"
    written(place, "before")

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "flush", full)
    with pytest.raises(WriteError, match="place cannot be written: The disk is full"):
        written(place, "after")
    assert (place / "text").read_text() == "before"
    assert list(tmp_path.iterdir()) == [place]


def test_an_error_of_its_own_kind_passes_through(tmp_path):
    with pytest.raises(BundleMissingError, match="not here"), atomic_folder(tmp_path / "place"):
        raise BundleMissingError("not here")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="renameat2 is Linux's")
def test_a_reader_never_finds_the_folder_gone_while_it_is_replaced(tmp_path):
    place = tmp_path / "place"
    written(place, "0")
    if not module._exchange(place, Path(shutil.copytree(place, tmp_path / "other"))):
        pytest.skip("this file system cannot exchange two folders")
    missed, stop = [], threading.Event()

    def look() -> None:
        while not stop.is_set():
            if not place.exists():
                missed.append(time.monotonic())

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(60):
        written(place, str(number))
    stop.set()
    reader.join()
    assert missed == []
    assert (place / "text").read_text() == "59"


def test_without_an_exchange_the_folder_is_replaced_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_exchange", lambda one, other: False)
    written(tmp_path / "place", "old")
    written(tmp_path / "place", "new")
    assert (tmp_path / "place" / "text").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_the_next_writer_removes_what_a_killed_one_left(tmp_path):
    place = tmp_path / "place"
    killed_inside(place)
    assert len(list(tmp_path.iterdir())) == 1
    written(place, "whole")
    assert list(tmp_path.iterdir()) == [place]


def test_the_folder_of_a_process_that_lives_is_left_alone(tmp_path):
    place = tmp_path / "place"
    process = killed_inside(place, kill=False)
    try:
        written(place, "mine")
        (theirs,) = [path for path in tmp_path.iterdir() if path != place]
        assert (theirs / "new" / "half").read_text() == "half"
        assert remove_leftovers(place) == []
    finally:
        process.kill()
        process.communicate()


def test_what_is_not_a_leftover_of_this_folder_is_left_alone(tmp_path):
    for name in (".place.tmp-", ".place.tmp-abc", ".place.tmp-abcdefghi", ".placex.tmp-abcdefgh", "place.tmp-abcdefgh"):
        (tmp_path / name).mkdir()
    (tmp_path / ".place.tmp-isafile0").write_text("x")
    (tmp_path / "target").mkdir()
    (tmp_path / ".place.tmp-linklink").symlink_to(tmp_path / "target")
    assert remove_leftovers(tmp_path / "place") == []


def test_a_bundle_whose_writer_was_killed_between_two_renames_is_put_back_when_it_is_opened(colour_bundle, tmp_path):
    place = tmp_path / "colour.isfp"
    with temporary_folder(place) as folder:
        left = folder.with_name(folder.name[:-8] + "deadbeef")
    left.mkdir()
    shutil.copytree(colour_bundle, left / "old")
    assert Bundle.open(place).manifest.name == "colour"
    assert not (left / "old").exists()


def test_a_bundle_that_another_process_is_replacing_is_not_taken_from_it(tmp_path):
    place = tmp_path / "place"
    process = killed_inside(place, kill=False)
    try:
        (theirs,) = tmp_path.iterdir()
        (theirs / "old").mkdir()
        assert not recover(place)
        assert (theirs / "old").exists()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 127, "n" * 250 + ".isfp"])
def test_a_name_as_long_as_names_may_be_is_written(tmp_path, name):
    written(tmp_path / name, "whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]
