"""Checkpoints are whole or not there, a changed byte is noticed, and nothing in them is run."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isfp.errors import WriteError
from isfp_train.errors import CheckpointError
from isfp_train.run import checkpoint, checkpoint_file
from isfp_train.run.checkpoint_file import LAST, PREVIOUS, RunCheckpoints, newest_sound, read, write
from isfp_train.run.runner import train
from tests.paths import ROOT
from tests.train.tiny import tiny

CONTENT = {"step": 7, "state": {"weight": torch.arange(600, dtype=torch.float32), "bias": torch.ones(3)}}


def same(one: dict, other: dict) -> bool:
    names = one["state"].keys() == other["state"].keys()
    return names and one["step"] == other["step"] and all(torch.equal(one["state"][n], other["state"][n]) for n in one["state"])


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "a.ckpt"
    write(CONTENT, path)
    assert same(read(path), CONTENT)
    return path.read_bytes()


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_changed_byte_is_noticed_or_changes_nothing(sound: bytes, tmp_path_factory: pytest.TempPathFactory, data) -> None:
    content = bytearray(sound)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("flip") / "a.ckpt"
    path.write_bytes(content)
    try:
        found = read(path)
    except CheckpointError:
        return
    assert same(found, CONTENT)


def test_every_byte_of_the_weights_is_checked(sound: bytes, tmp_path: Path) -> None:
    start = sound.index(CONTENT["state"]["weight"].numpy().tobytes())
    for place in range(start, start + 2400, 97):
        content = bytearray(sound)
        content[place] ^= 1
        (tmp_path / "a.ckpt").write_bytes(content)
        with pytest.raises(CheckpointError, match="cut short, changed"):
            read(tmp_path / "a.ckpt")


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -1])
def test_a_checkpoint_cut_short_is_refused(sound: bytes, tmp_path: Path, keep: float) -> None:
    (tmp_path / "a.ckpt").write_bytes(sound[: int(len(sound) * keep)] if 0 < keep < 1 else sound[: int(keep)])
    with pytest.raises(CheckpointError, match="cut short"):
        read(tmp_path / "a.ckpt")


class Trap:
    """Writes a file as soon as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("reader", [read, checkpoint.load, lambda path: checkpoint.save_small(path, path.with_name("b.pt"))])
def test_code_in_a_checkpoint_is_not_run_and_the_message_does_not_advise_to(tmp_path: Path, reader) -> None:
    torch.save({"isfp": Trap(tmp_path / "ran"), "state_dict": {}}, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError) as refused:
        reader(tmp_path / "a.ckpt")
    assert not (tmp_path / "ran").exists()
    assert "weights_only" not in str(refused.value)
    assert "objects other than tensors" in str(refused.value)


def test_lightning_reads_without_running_code_even_if_it_is_told_to(tmp_path: Path) -> None:
    torch.save({"trap": Trap(tmp_path / "ran")}, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError):
        RunCheckpoints().load_checkpoint(tmp_path / "a.ckpt", weights_only=False)
    assert not (tmp_path / "ran").exists()


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a checkpoint")
    torch.save([1, 2], tmp_path / "list")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("a", "b")
    for name, said in (("text", "not a checkpoint"), ("list", "contains a list"), ("zip", "cannot be read")):
        with pytest.raises(CheckpointError, match=said):
            read(tmp_path / name)


@pytest.mark.parametrize(
    "about", [{}, {"config": {}}, {"words": 3}, None, {"config": {"data": None}, "words": [], "trained_words": []}], ids=str
)
def test_a_checkpoint_without_what_its_network_needs_is_refused_as_such(tmp_path: Path, about: object) -> None:
    write({"isfp": about, "state_dict": {}}, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match="lacks data that its network needs"):
        checkpoint.load(tmp_path / "a.ckpt")


KILLED = """
import sys
from pathlib import Path
import torch
from isfp_train.run.checkpoint_file import RunCheckpoints
print("ready", flush=True)
for step in range(10_000):
    RunCheckpoints().save_checkpoint({"step": step, "weight": torch.full((100_000,), step)}, Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_run_killed_at_any_moment_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    last = tmp_path / LAST
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(last)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    for path in (last, last.with_name(PREVIOUS)):
        content = read(path)
        assert (content["weight"] == content["step"]).all()
    write({"step": 0}, last)
    assert sorted(path.name for path in tmp_path.iterdir()) == [LAST, PREVIOUS]


def test_the_checkpoint_before_the_last_is_kept_and_taken_where_the_last_is_broken(tmp_path: Path) -> None:
    last, files = tmp_path / LAST, RunCheckpoints()
    assert newest_sound(tmp_path) == (None, [])
    for step in (1, 2):
        files.save_checkpoint({"step": step}, last)
    assert newest_sound(tmp_path) == (last, [])
    last.write_bytes(last.read_bytes()[:-10])
    found, (reason,) = newest_sound(tmp_path)
    assert found == tmp_path / PREVIOUS
    assert str(last) in reason
    assert read(found)["step"] == 1

    files.save_checkpoint({"step": 3}, last)  # the broken one does not take the place of the sound one
    assert (read(last)["step"], read(tmp_path / PREVIOUS)["step"]) == (3, 1)

    for path in (last, tmp_path / PREVIOUS):
        path.write_bytes(b"broken")
    with pytest.raises(CheckpointError, match="cannot be resumed"):
        newest_sound(tmp_path)


def test_other_checkpoints_have_no_predecessor(tmp_path: Path) -> None:
    for step in (1, 2):
        RunCheckpoints().save_checkpoint({"step": step}, tmp_path / "best.ckpt")
    assert [path.name for path in tmp_path.iterdir()] == ["best.ckpt"]
    RunCheckpoints().remove_checkpoint(tmp_path / "best.ckpt")
    RunCheckpoints().remove_checkpoint(tmp_path / "best.ckpt")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_checkpoint_that_stood_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = tmp_path / LAST
    RunCheckpoints().save_checkpoint({"step": 1}, last)

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_file.os, "fsync", full)
    with pytest.raises(WriteError, match=r"last\.ckpt cannot be written: The disk is full"):
        RunCheckpoints().save_checkpoint({"step": 2}, last)
    assert [path.name for path in tmp_path.iterdir()] == [LAST]
    assert read(last)["step"] == 1


def test_a_checkpoint_that_is_read_back_damaged_does_not_get_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = tmp_path / LAST
    write({"step": 1}, last)
    save = torch.save

    def rotten(content: dict, file: io.BufferedWriter) -> None:
        save(content, file)
        file.seek(-100, os.SEEK_END)
        file.write(b"rot")

    monkeypatch.setattr(torch, "save", rotten)
    with pytest.raises(WriteError, match="as it was read back"):
        write({"step": 2}, last)
    assert [path.name for path in tmp_path.iterdir()] == [LAST]
    assert read(last)["step"] == 1


@pytest.mark.slow
def test_a_run_whose_last_checkpoint_is_half_a_file_goes_on_from_the_one_before(tmp_path: Path) -> None:
    run, cache = tmp_path / "run", tmp_path / "cache"
    last = train(tiny(epochs=3), run, cache=cache, progress=False)
    whole = last.read_bytes()
    last.write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=r"Going on from .*previous\.ckpt"):
        train(tiny(epochs=3), run, cache=cache, resume=True, progress=False)
    assert read(last)["epoch"] == 2
    last.unlink()
    with pytest.raises(FileExistsError, match="--resume"):
        train(tiny(epochs=3), run, cache=cache, progress=False)
