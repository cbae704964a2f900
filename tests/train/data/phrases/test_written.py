"""Phrases that people wrote: what they become on a mirrored photo, and which of them hold for a part of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isfp_train.data.phrases.written import WrittenPhrase, read_written
from isfp_train.errors import DataFormatError, DataMissingError


def mirrored(text: str) -> str | None:
    turned = WrittenPhrase(text, 7).mirrored()
    assert turned is None or turned.annotation == 7
    return None if turned is None else turned.text


@pytest.mark.parametrize(
    ("text", "turned"),
    [
        ("mug on the left", "mug on the right"),
        ("the rightmost cup", "the leftmost cup"),
        ("top right corner", "top left corner"),
        ("the left-hand plate", "the right-hand plate"),
        ("cup left of the plate on the right", "cup right of the plate on the left"),
        ("bright red lamp", "bright red lamp"),
        ("upright bottle", "upright bottle"),
    ],
)
def test_sides_are_exchanged_on_a_mirrored_photo(text: str, turned: str) -> None:
    assert mirrored(text) == turned
    assert mirrored(turned) == text


@pytest.mark.parametrize("text", ["cup right next to the plate", "dog right behind the chair", "the box right under the table"])
def test_right_in_the_sense_of_exactly_stays(text: str) -> None:
    assert mirrored(text) == text


def test_a_side_is_exchanged_beside_a_right_that_stays() -> None:
    assert mirrored("left cup right next to the plate") == "right cup right next to the plate"


@pytest.mark.parametrize(
    "text", ["the man right in front", "cup in her left hand", "the thing in his hand", "left arm of the chair"]
)
def test_what_cannot_be_told_is_not_mirrored(text: str) -> None:
    assert mirrored(text) is None


@pytest.mark.parametrize(
    ("text", "whole"), [("cup in the corner", True), ("the only dog", True), ("biggest box", True), ("red mug", False)]
)
def test_a_phrase_with_a_word_of_place_or_rank_needs_the_whole_frame(text: str, whole: bool) -> None:
    assert WrittenPhrase(text, 1).of_the_frame == whole


def test_files_are_read_as_a_list_or_a_row_a_line_each_phrase_once(tmp_path: Path) -> None:
    rows = [
        {"image_id": 3, "ann_id": 30, "sent": "Red Mug"},
        {"image_id": 3, "ann_id": 30, "sent": "red mug"},
        {"image_id": 3, "ann_id": None, "sent": "banana"},
        {"image_id": 4, "ann_id": 40, "sent": "???"},
    ]
    (tmp_path / "list.json").write_text(json.dumps(rows))
    (tmp_path / "lines.jsonl").write_text("\n".join(json.dumps({**row, "source": "kitchen"}) for row in rows) + "\n")
    read = read_written([tmp_path / "list.json", tmp_path / "lines.jsonl"], "photos")
    said = (WrittenPhrase("red mug", 30), WrittenPhrase("banana", None))
    assert read["photos", 3] == read["kitchen", 3] == said
    assert {photo for _, photo in read} == {3}  # no word is no phrase


def test_a_row_may_say_the_kind_of_its_phrase_which_mirroring_keeps(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(json.dumps([{"image_id": 3, "ann_id": 30, "sent": "left mug", "kind": "position"}]))
    (phrase,) = read_written([tmp_path / "list.json"])["", 3]
    assert phrase == WrittenPhrase("left mug", 30, "position")
    assert phrase.mirrored() == WrittenPhrase("right mug", 30, "position")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match=r"none\.json"):
        read_written([tmp_path / "none.json"])


GOOD = {"image_id": 1, "ann_id": 2, "sent": "the cup"}


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (3, "it is 3; expected an object"),
        ({**GOOD, "sent": None}, r"sent is None \(NoneType\); expected text"),
        ({"image_id": 1, "sent": "the cup"}, "ann_id is None"),
        ({"image_id": 1, "ann_id": 2}, "sent is None .*; expected text"),
        ({**GOOD, "image_id": "a"}, r"image_id is 'a' \(str\); expected a whole number"),
        ({**GOOD, "image_id": 1.5}, "image_id is 1.5; expected a whole number"),
        ({**GOOD, "ann_id": [2]}, r"ann_id is \[2\] \(list\); expected a whole number"),
        ({**GOOD, "ann_id": True}, "ann_id is True; expected a whole number"),
        ({**GOOD, "source": 4}, "source is 4; expected text"),
    ],
)
def test_a_faulty_phrase_is_named(tmp_path: Path, row: object, fault: str) -> None:
    path = tmp_path / "refs.json"
    for content in (json.dumps([GOOD, row]), f"{json.dumps(GOOD)}\n{json.dumps(row)}\n"):
        path.write_text(content)
        with pytest.raises(DataFormatError, match=f"refs.json, phrase 2: {fault}"):
            read_written([path])


@pytest.mark.parametrize(("content", "fault"), [(b"[1,", "is not JSON"), (b"{}}", "is not JSON"), (b"\xff\xfe[]", "is not UTF-8")])
def test_a_file_that_is_no_json_is_named(tmp_path: Path, content: bytes, fault: str) -> None:
    (tmp_path / "refs.json").write_bytes(content)
    with pytest.raises(DataFormatError, match=f"refs.json.*{fault}"):
        read_written([tmp_path / "refs.json"])
