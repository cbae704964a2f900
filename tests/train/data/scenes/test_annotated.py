"""Annotated photos with phrases that people wrote: which of them a crop keeps, and what may be made beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from isfp_train.data.scene import Scene
from isfp_train.data.scenes import annotated, sources
from isfp_train.data.scenes.annotated import AnnotatedPhotos, only_written
from isfp_train.data.scenes.sources import photo_sets, scene_sources
from tests.train.photo_folder import HEIGHT, WIDTH, file_names, row, write_photos

CUP, BOOK = ("cup", "red", (10, 20, 60, 70)), ("book", "blue", (90, 40, 150, 100))
KINDS = ["cup", "book", "clock"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """COCO's photos (two for training, one held out, phrases about the first and the last) and two more folders."""
    data = tmp_path_factory.mktemp("data")
    train, held = file_names("train", 2), file_names("held_out", 1)
    write_photos(data / "coco_train", {train[0]: [CUP, BOOK], train[1]: [CUP], held[0]: [BOOK]}, KINDS)
    human = [
        row(1, 10, "the cup on the left"),
        row(1, 10, "Red cup"),
        row(1, 11, "book"),
        row(1, None, "a dog"),
        row(3, 30, "blue book"),
    ]
    (data / "coco_train" / "human_refs.json").write_text(json.dumps(human))
    write_photos(data / "more" / "kitchen", {train[0]: [("mug", "green", (20, 20, 80, 80))]}, ["mug", "plate", "bowl"])
    write_photos(data / "more" / "sweets", {train[1]: [("cake", "red", (20, 20, 80, 80))]}, ["cake", "donut"])
    (data / "more" / "human_refs.json").write_text(json.dumps([row(1, 10, "green mug", "kitchen")]))
    return data


@pytest.fixture(autouse=True)
def no_own_phrases(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_text(json.dumps(row(2, 20, "the only cup", "coco_train")) + "\n")
    monkeypatch.setattr(sources, "OWN_PHRASES", tmp_path / "own.jsonl")


def texts(scene: Scene) -> dict[str, int | None]:
    return {expression.text: expression.target for expression in scene.expressions}


def test_every_folder_gives_its_photos_of_the_split_with_its_phrases(data: Path) -> None:
    found = {photos.name: photos for photos in photo_sets(data, "train")}
    assert {name: list(photos.photo_ids) for name, photos in found.items()} == {"coco_train": [1, 2], "kitchen": [1], "sweets": [1]}
    assert {name: photos.made for name, photos in found.items()} == {"coco_train": "all", "kitchen": "present", "sweets": "names"}
    assert [phrase.text for phrase in found["kitchen"].written[1]] == ["green mug"]
    assert [photos.name for photos in photo_sets(data, "held_out")] == ["coco_train"]


def test_a_near_copy_of_a_held_out_photo_is_in_neither_split(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotated, "NEAR_COPIES", {"coco_train": (2,)})
    for split, expected in (("train", [1]), ("held_out", [3])):
        assert list(photo_sets(data, split)[0].photo_ids) == expected


@pytest.mark.parametrize(
    ("which", "expected"), [("all", {1, 2, 3}), ("data", {1, 3}), ("project", {2})], ids=["all", "data", "project"]
)
def test_phrases_of_the_data_and_of_the_project_are_told_apart(data: Path, which: sources.Writers, expected: set[int]) -> None:
    coco = photo_sets(data, "train", which)[0]
    assert set(coco.written) == expected


def test_only_photos_that_people_wrote_about_are_left(data: Path) -> None:
    assert [(photos.name, list(photos.photo_ids)) for photos in only_written(photo_sets(data, "train", "data"))] == [
        ("coco_train", [1]),
        ("kitchen", [1]),
    ]


def test_a_phrase_is_counted_in_the_group_that_its_file_gives(tmp_path: Path) -> None:
    write_photos(tmp_path / "coco_train", {file_names("held_out", 1)[0]: [CUP, BOOK]}, KINDS)
    rows = [row(1, 10, "red cup") | {"kind": "colour"}, row(1, None, "clock") | {"kind": "absent name"}, row(1, 11, "book")]
    (tmp_path / "coco_train" / "human_refs.json").write_text(json.dumps(rows))
    scene = AnnotatedPhotos(photo_sets(tmp_path, "held_out", "data"), WIDTH, augment=False).scene(0)
    assert [expression.kind for expression in scene.expressions] == ["colour", "absent name", "expression"]


def test_a_whole_photo_has_all_its_phrases_with_the_objects_that_they_mean(data: Path) -> None:
    photos = AnnotatedPhotos(only_written(photo_sets(data, "train", "data")), WIDTH, augment=False)
    scene = photos.scene(0)
    assert len(photos) == 2
    assert scene.image.shape == (HEIGHT, WIDTH, 3)
    assert texts(scene) == {"the cup on the left": 0, "red cup": 0, "book": 1, "a dog": None}
    assert [expression.kind for expression in scene.expressions] == ["expression", "expression", "expression", "absent"]
    assert [(obj.kind, obj.colour) for obj in scene.objects] == [("cup", "red"), ("book", "blue")]
    assert photos.scene(2).image.tobytes() == scene.image.tobytes()


def test_mirrored_photos_and_crops_keep_the_phrases_that_still_hold(data: Path) -> None:
    photos = AnnotatedPhotos(only_written(photo_sets(data, "train", "data"))[:1], WIDTH)
    sides, whole = set(), set()
    for seed in range(60):
        scene = photos.scene(seed)
        said = texts(scene)
        for text, target in said.items():
            if target is not None:
                assert scene.objects[target].kind == ("book" if "book" in text else "cup")
        x = next((obj.centre[0] for obj in scene.objects if obj.kind == "cup"), None)
        for side in {"left", "right"} & {word for text in said for word in text.split()}:
            assert x is not None
            assert (x < scene.image.shape[1] / 2) == (side == "left")
            sides.add(side)
        whole.add(("a dog" in said, any("cup on" in text for text in said)))
    assert sides == {"left", "right"}
    assert whole == {(True, True), (False, False)}  # what is absent, or rests on the frame, is said of whole photos alone


def test_a_photo_that_people_wrote_about_is_taken_as_often_as_its_share(data: Path) -> None:
    photos = AnnotatedPhotos(photo_sets(data, "train", "data")[:1], 64, written_share=0.8)
    told = np.mean([bool(len(photos.scene(seed).objects) == 2 or photos.scene(seed).expressions) for seed in range(150)])
    assert 0.65 < told < 0.95


def test_absent_names_are_of_the_folder_and_like_nothing_that_is_there(data: Path) -> None:
    kitchen = next(photos for photos in photo_sets(data, "train") if photos.name == "kitchen")
    scene = AnnotatedPhotos([kitchen], WIDTH, augment=False).scene(0)
    assert scene.made == "present"
    assert scene.absent == ("plate",)  # "bowl" and "mug" are of one group: a mug may be taken for a bowl


def test_no_photo_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="no photo"):
        AnnotatedPhotos([])


def test_annotated_scenes_are_a_source_of_runs(data: Path, tmp_path: Path) -> None:
    for folder in ("sprites", "backgrounds"):
        (data / folder).mkdir(exist_ok=True)
    source, share = scene_sources({"annotated": 2.0}, data, 64, "train")["annotated"]
    assert share == 1.0
    assert max(source.scene(0).image.shape[:2]) == 64
