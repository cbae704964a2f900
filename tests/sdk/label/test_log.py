import errno
import json
import os

import pytest

from isfp.label.log import NAME, LabelError, Log

HEADER = {"bundle": "a", "threshold": 0.5, "phrases": ["red"]}


def row(file, *phrases, stamp=None):
    return {"file": file, "stamp": stamp, "things": [{"phrase": phrase} for phrase in phrases]}


def lines(folder):
    return (folder / NAME).read_bytes().splitlines(keepends=True)


def test_a_log_is_started_in_a_new_folder_with_its_header(tmp_path):
    folder = tmp_path / "a" / "b"
    with Log.open(folder, HEADER) as log:
        assert log.header() == {"format": "isfp-labels", "version": 1, **HEADER}
    assert [json.loads(line) for line in lines(folder)] == [{"format": "isfp-labels", "version": 1, **HEADER}]


def test_rows_come_back_in_the_order_asked_for_before_and_after_it_is_opened_again(tmp_path):
    written = [row("b.png", "red", "blue", stamp=[1, 2]), row("a.png"), row("c.png", "red", stamp="x")]
    with Log.open(tmp_path, HEADER) as log:
        for one in written:
            log.append(one)
        assert list(log.rows(["a.png", "b.png"])) == [written[1], written[0]]
        log.append(row("d.png"))  # after reading, too, a row goes to the end
    with Log.open(tmp_path, HEADER) as log:
        assert [log.row(name) for name in ("b.png", "a.png", "c.png", "d.png")] == [*written, row("d.png")]
        assert (log.stamp("b.png"), log.stamp("a.png"), log.stamp("none.png")) == ([1, 2], None, None)
        assert (log.phrases("b.png"), log.phrases("a.png"), log.phrases("none.png")) == (("red", "blue"), (), ())
    assert len(lines(tmp_path)) == 5


def test_the_last_row_of_a_file_counts(tmp_path):
    with Log.open(tmp_path, HEADER) as log:
        log.append(row("a.png", "red", stamp=1))
        log.append(row("a.png", "blue", stamp=2))
        assert log.row("a.png") == row("a.png", "blue", stamp=2)
    with Log.open(tmp_path, HEADER) as log:
        assert (log.stamp("a.png"), log.phrases("a.png")) == (2, ("blue",))


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_line_that_was_left_unfinished_is_cut_off_and_no_other(tmp_path, kept):
    with Log.open(tmp_path, HEADER) as log:
        log.append(row("a.png"))
        log.append(row("b.png"))
    whole = lines(tmp_path)
    (tmp_path / NAME).write_bytes(b"".join(whole[:kept]) + whole[kept][:-1])
    with Log.open(tmp_path, HEADER) as log:
        assert lines(tmp_path) == whole[: max(kept, 1)]
        log.append(row("c.png"))
        assert log.row("c.png") == row("c.png")
    assert len(lines(tmp_path)) == max(kept, 1) + 1


def test_a_row_is_on_disk_when_append_returns(tmp_path, monkeypatch):
    synced = []
    with Log.open(tmp_path, HEADER) as log:
        monkeypatch.setattr("isfp.label.log.os.fsync", lambda number: synced.append(lines(tmp_path)[-1]))
        log.append(row("a.png"))
    assert [json.loads(line) for line in synced] == [row("a.png")]


def test_a_row_that_is_not_written_whole_leaves_no_trace(tmp_path, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Log.open(tmp_path, HEADER) as log:
        log.append(row("a.png"))
        before = lines(tmp_path)
        monkeypatch.setattr("isfp.label.log.os.fsync", full)
        with pytest.raises(LabelError, match=r"The disk is full.*What was labelled so far is kept"):
            log.append(row("b.png"))
        monkeypatch.undo()
        assert lines(tmp_path) == before
        assert log.stamp("b.png") is None
        log.append(row("b.png"))
        assert log.row("b.png") == row("b.png")


def test_a_row_with_a_number_that_json_lacks_is_not_written(tmp_path):
    with Log.open(tmp_path, HEADER) as log:
        with pytest.raises(ValueError, match="not JSON compliant"):
            log.append(row("a.png", stamp=float("nan")))
        assert len(lines(tmp_path)) == 1


def test_a_name_that_is_not_utf8_comes_back_and_the_file_is_ascii(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    with Log.open(tmp_path, HEADER) as log:
        log.append(row(name, "café"))
    (tmp_path / NAME).read_bytes().decode("ascii")
    with Log.open(tmp_path, HEADER) as log:
        assert log.phrases(name) == ("café",)


@pytest.mark.parametrize("change", [{"threshold": 0.6}, {"more": 1}, {"threshold": None}])
def test_the_log_of_another_task_is_refused_and_can_be_opened_by_its_own(tmp_path, change):
    with Log.open(tmp_path, HEADER) as log:
        log.append(row("a.png"))
    before = lines(tmp_path)
    other = {key: value for key, value in {**HEADER, **change}.items() if value is not None}
    named = "threshold" if change == {"threshold": 0.6} else "more" if "more" in change else "header"
    with pytest.raises(LabelError, match=f"from another task, with a different {named}\\. Choose another folder"):
        Log.open(tmp_path, other)
    assert lines(tmp_path) == before
    with Log.open(tmp_path, HEADER) as log:
        assert log.row("a.png") == row("a.png")


def test_more_phrases_may_be_asked_for_in_the_same_log(tmp_path):
    Log.open(tmp_path, HEADER).close()
    with Log.open(tmp_path, {**HEADER, "phrases": ["red", "blue"]}) as log:
        assert log.header()["phrases"] == ["red"]


@pytest.mark.parametrize("line", [b"[1]\n", b'{"stamp": 1}\n', b'{"file": "a", "things": 1}\n', b"\xff\n"])
def test_a_line_that_is_no_row_is_named_and_the_lock_is_given_back(tmp_path, line):
    Log.open(tmp_path, HEADER).close()
    with (tmp_path / NAME).open("ab") as file:
        file.write(line)
    for _ in range(2):
        with pytest.raises(LabelError, match=f"Line 2 of .*{NAME} is not from a log of labels") as raised:
            Log.open(tmp_path, HEADER)
    assert raised  # it keeps the lock's object alive


def test_one_run_at_a_time_has_the_log(tmp_path):
    with Log.open(tmp_path, HEADER), pytest.raises(LabelError, match="Another run is writing"):
        Log.open(tmp_path, HEADER)
    Log.open(tmp_path, HEADER).close()


def test_a_closed_log_takes_no_row(tmp_path):
    log = Log.open(tmp_path, HEADER)
    log.close()
    with pytest.raises(ValueError, match="closed file"):
        log.append(row("a.png"))


def test_a_folder_that_cannot_be_used_is_one_message_that_speaks_of_no_labels(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(LabelError, match=r"file cannot be written.*another path\.$"):
        Log.open(tmp_path / "file", HEADER)
    (tmp_path / "locked" / f".{NAME}.lock").mkdir(parents=True)
    with pytest.raises(LabelError, match=r"locked cannot be written.*another path\.$"):
        Log.open(tmp_path / "locked", HEADER)
    (tmp_path / "taken" / NAME).mkdir(parents=True)
    with pytest.raises(LabelError, match=r"taken.* cannot be written.*another path\.$") as raised:
        Log.open(tmp_path / "taken", HEADER)
    (tmp_path / "taken" / NAME).rmdir()
    Log.open(tmp_path / "taken", HEADER).close()  # the lock was given back, though the error keeps its object alive
    assert raised
