"""The independent test scenes: the same seed, exact masks, held-out names, and phrases that a second look at the masks confirms."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import other_scenes
from isfp_train.data.scene import in_split, measure
from isfp_train.data.scenes.annotated import AnnotatedPhotos
from isfp_train.data.scenes.sources import photo_sets
from isfp_train.data.sprites.coco import Coco
from isfp_train.data.sprites.colours import PALETTE, confusable, paint
from isfp_train.data.sprites.sprites import HELD_OUT_SHARE, fluent_emoji
from other_claims import Between, Called, Extreme, InPart, MiddleOfThree, Near, Rank, Towards, View, verdict
from other_drawing import LAYOUTS, Place, arrange, draw
from other_phrases import KINDS, plural
from tests.train.photo_folder import file_names, write_photos

COUNT = 12
W, H = 400, 300


def write_sprites(folder: Path) -> None:
    """Discs and boxes of one colour under the names of the table's files: 14 for each half, first those that can be painted."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    chosen: Counter[str] = Counter()
    for file, _ in sorted(fluent_emoji().items(), key=lambda item: not item[1]["recolour"]):
        split = "held_out" if in_split(file, HELD_OUT_SHARE, "held_out") else "train"
        if chosen[split] == 14:
            continue
        chosen[split] += 1
        picture = np.zeros((90, 120, 4), np.uint8)
        shade = np.round(paint(list(PALETTE)[chosen[split] % 8], rng) * 255).astype(int).tolist()
        if chosen[split] % 2:
            cv2.ellipse(picture, (60, 45), (55, 40), 0, 0, 360, (*shade[::-1], 255), -1)
        else:
            cv2.rectangle(picture, (8, 6), (110, 84), (*shade[::-1], 255), -1)
        cv2.imwrite(str(folder / Path(file).with_suffix(".png")), picture)
        (folder / Path(file).with_suffix(".png")).rename(folder / file)  # readers look at the content, not at the ending


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    write_sprites(data / "sprites")
    photo = {file_names("held_out", 1)[0]: [("toaster", "red", (40, 40, 200, 170))]}
    write_photos(data / "coco_train", photo, ["toaster"], (300, 400))
    (data / "backgrounds").mkdir()
    return data


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    other_scenes.main(data, out, COUNT, 3)
    return out


def halves(out: Path) -> list[tuple[Coco, list[dict[str, Any]]]]:
    """Photos and rows of phrases of both halves."""
    return [
        (Coco(out / "coco_train"), json.loads((out / "coco_train" / "human_refs.json").read_text())),
        (Coco(out / "more" / "known_sprites"), json.loads((out / "more" / "human_refs.json").read_text())),
    ]


def test_the_same_seed_gives_the_same_files(data: Path, out: Path, tmp_path: Path) -> None:
    other_scenes.main(data, tmp_path, 2, 3)
    pictures = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.png"))
    assert len(pictures) == 2
    assert all((tmp_path / path).read_bytes() == (out / path).read_bytes() for path in pictures)
    first = json.loads((tmp_path / "coco_train" / "human_refs.json").read_text())
    assert first == json.loads((out / "coco_train" / "human_refs.json").read_text())[: len(first)]


def test_all_scenes_are_held_out_and_evaluation_asks_every_phrase_by_its_kind(out: Path) -> None:
    assert photo_sets(out, "train", "data") == []
    photos = AnnotatedPhotos(photo_sets(out, "held_out", "data"), 640, augment=False)
    assert len(photos) == COUNT
    asked = Counter(said.kind for number in range(COUNT) for said in photos.scene(number).expressions)
    assert asked == Counter(row["kind"] for _, rows in halves(out) for row in rows)
    assert all(4 <= len(photos.scene(number).expressions) <= 6 for number in range(COUNT))


def test_each_half_shows_only_its_own_sprites(data: Path, out: Path) -> None:
    for split, (coco, _) in zip(("held_out", "train"), halves(out), strict=True):
        own = {entry["kind"] for file, entry in fluent_emoji().items() if in_split(file, HELD_OUT_SHARE, split)}
        assert set(coco.categories.values()) <= own | {"toaster"}


def test_scenes_have_three_to_nine_objects_with_separate_masks_mostly_with_rivals(out: Path) -> None:
    rivals = []
    for coco, _ in halves(out):
        for image, group in coco.annotations.items():
            masks = [coco.mask(annotation) for annotation in group]
            assert 3 <= len(masks) <= 9
            assert np.sum(masks, axis=0).max() == 1
            assert all(mask.sum() == annotation["area"] for mask, annotation in zip(masks, group, strict=True))
            assert masks[0].shape == coco.photo(image).shape[:2]
            rivals.append(max(Counter(annotation["category_id"] for annotation in group).values()) >= 2)
    assert np.mean(rivals) > 0.7


def test_masks_are_what_is_drawn_and_seen() -> None:
    box = np.full((60, 80, 4), (250, 30, 30, 255), np.uint8)
    wall = np.full((H, W, 3), 90, np.uint8)
    drawn = draw(wall, [box, box], [Place(100, 100, 1), Place(165, 100, 1)], False, np.random.default_rng(0))
    assert drawn is not None
    picture, (behind, front) = drawn
    assert front.sum() == 60 * 80
    assert behind.sum() == 60 * (80 - 15)
    red = picture[..., 0] > 3.0 * picture[..., 1]  # in the shade too
    assert (red == (behind | front)).all()


@pytest.mark.parametrize("place", [Place(20, 100, 1), Place(100, 290, 1)])
def test_an_object_that_leaves_the_picture_is_refused(place: Place) -> None:
    box = np.full((60, 80, 4), (250, 30, 30, 255), np.uint8)
    assert draw(np.full((H, W, 3), 90, np.uint8), [box], [place], False, np.random.default_rng(0)) is None


def test_an_object_that_is_hidden_or_looks_like_its_background_is_refused() -> None:
    box, wall = np.full((60, 80, 4), (250, 30, 30, 255), np.uint8), np.full((H, W, 3), 90, np.uint8)
    assert draw(wall, [box, box], [Place(100, 100, 1), Place(130, 100, 1)], False, np.random.default_rng(0)) is None
    pale = np.full((60, 80, 4), (95, 90, 90, 255), np.uint8)
    assert draw(wall, [pale], [Place(100, 100, 1)], False, np.random.default_rng(0)) is None


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_keep_objects_inside_and_mostly_apart(layout: str) -> None:
    sizes = [(70, 50)] * 6
    for seed in range(10):
        places = arrange(layout, sizes, W, H, np.random.default_rng(seed))
        if places is None:
            continue
        boxes = np.array([(p.x - 35 * p.scale, p.y - 25 * p.scale, p.x + 35 * p.scale, p.y + 25 * p.scale) for p in places])
        assert boxes.min() >= -1
        assert (boxes[:, 2:] <= (W + 1, H + 1)).all()
        if layout in ("row", "grid", "shelf"):
            low, high = np.maximum(boxes[:, None, :2], boxes[None, :, :2]), np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
            shared = np.clip(high - low, 0, None).prod(axis=2)
            assert np.triu(shared, 1).max() < 1


def view(*boxes: tuple[str, int, int, int, int], colours: tuple[str | None, ...] = ()) -> View:
    """A picture of boxes, given as kind, centre, width and height."""
    objects = []
    for number, (kind, x, y, w, h) in enumerate(boxes):
        mask = np.zeros((H, W), bool)
        mask[y - h // 2 : y + h // 2, x - w // 2 : x + w // 2] = True
        objects.append(measure(mask, (kind,), kind, colours[number] if colours else None))
    return View(objects, W, H)


CUP = Called("cup")
ROW = [("cup", x, 150, 40, 40) for x in (60, 160, 260, 360)]


def test_sizes_are_told_apart_only_with_a_margin() -> None:
    assert verdict(view(("cup", 60, 60, 80, 80), ("cup", 200, 60, 50, 50)), Extreme(CUP, True)) == 0
    assert verdict(view(("cup", 60, 60, 80, 80), ("cup", 200, 60, 50, 50)), Extreme(CUP, False)) == 1
    assert verdict(view(("cup", 60, 60, 80, 80), ("cup", 200, 60, 70, 70)), Extreme(CUP, True)) is None
    assert verdict(view(("cup", 60, 60, 100, 80), ("cup", 200, 60, 100, 30)), Extreme(CUP, True)) is None  # as long, not as high


def test_parts_of_the_picture() -> None:
    assert verdict(view(("cup", 60, 240, 40, 40), ("cup", 60, 60, 40, 40)), InPart("top")) == 1
    assert verdict(view(*ROW[1:3], ("cup", 60, 60, 40, 40)), InPart("top")) is None  # half-way down is not certainly lower
    assert verdict(view(*ROW[2:]), InPart("left")) == "absent"
    assert verdict(view(("cup", 190, 150, 40, 40), *ROW[3:]), InPart("left")) is None  # nearly in the middle
    assert verdict(view(("cup", 200, 150, 40, 40), *ROW[3:]), InPart("middle")) == 0


def test_orders_need_a_line_and_clear_distances() -> None:
    assert [verdict(view(*ROW), Rank(CUP, "left", rank)) for rank in range(5)] == [0, 1, 2, 3, "absent"]
    assert verdict(view(*ROW), Rank(CUP, "right", 1)) == 2
    assert verdict(view(("cup", 60, 40, 40, 40), ("cup", 200, 260, 40, 40), ("cup", 340, 40, 40, 40)), Rank(CUP, "left", 1)) is None
    assert verdict(view(("cup", 60, 40, 40, 40), ("cup", 70, 260, 40, 40)), Rank(CUP, "left", 0)) is None
    assert verdict(view(*ROW[:3]), MiddleOfThree(CUP)) == 1
    assert verdict(view(*ROW), MiddleOfThree(CUP)) is None


def test_near_needs_one_that_is_clearly_nearer() -> None:
    book = ("book", 60, 220, 40, 40)
    assert verdict(view(ROW[0], *ROW[2:], book), Near(CUP, 3)) == 0
    assert verdict(view(ROW[0], *ROW[2:], book), Near(CUP, 3, 1)) == 0
    assert verdict(view(ROW[0], *ROW[2:], book), Near(CUP, 3, -1)) == 2
    assert verdict(view(*ROW[:3], ("book", 110, 220, 40, 40)), Near(CUP, 3)) is None
    assert verdict(view(*ROW[2:], book), Near(CUP, 2)) is None  # both are far away


def test_directions_and_between() -> None:
    dog = ("dog", 60, 60, 50, 50)
    assert verdict(view(ROW[0], *ROW[2:], dog), Towards(CUP, 3, "below")) == 0
    assert verdict(view(ROW[0], *ROW[2:], dog), Towards(CUP, 3, "above")) == "absent"
    assert verdict(view(*ROW[1:3], dog), Towards(CUP, 2, "below")) is None  # neither below nor beside
    apples = [("apple", 60, 60, 40, 40), ("apple", 340, 60, 40, 40)]
    assert verdict(view(("cup", 200, 60, 40, 40), ("cup", 200, 260, 40, 40), *apples), Between(CUP, (2, 3))) == 0
    assert verdict(view(("cup", 200, 120, 40, 40), *apples), Between(CUP, (1, 2))) is None


@pytest.mark.parametrize(
    ("name", "several"),
    [
        ("mug", "mugs"),
        ("box", "boxes"),
        ("berry", "berries"),
        ("key", "keys"),
        ("computer mouse", "computer mice"),
        ("bus", "buses"),
    ],
)
def test_plurals(name: str, several: str) -> None:
    assert plural(name) == several


def test_phrases_are_true_of_their_object_alone(out: Path) -> None:
    """A check by the words and the masks, without the tool's own claims."""
    checked: Counter[str] = Counter()
    for coco, rows in halves(out):
        for row in rows:
            group = {annotation["id"]: annotation for annotation in coco.annotations[row["image_id"]]}
            target = group.get(row["ann_id"])
            assert (target is None) == row["kind"].startswith("absent"), row
            if target is None:
                continue
            alike = [other for other in group.values() if other["category_id"] == target["category_id"] and other is not target]
            assert alike or row["kind"] == "name"
            checked[row["kind"]] += 1
            if row["kind"] == "name":
                assert not alike
            if row["kind"] == "colour":
                assert target["colour"] in row["sent"].replace(",", "").split()
                assert not any(confusable(other["colour"], target["colour"]) for other in alike)
            if row["kind"] == "size":
                small = re.search(r"small|tini|tiny|little", row["sent"])
                areas = [other["area"] / target["area"] for other in alike]
                assert all(area > 1.9 for area in areas) if small else all(area < 1 / 1.9 for area in areas)
            if row["kind"] in ("order", "position"):
                _check_place(row["sent"], coco.images[row["image_id"]], target, alike)
            if row["kind"] == "relation" and re.search(r"closest|nearest", row["sent"]):
                _check_closest(row["sent"], coco, target, alike, list(group.values()))
    assert set(checked) >= set(KINDS) - {"combined"}


def centre(annotation: dict[str, Any]) -> tuple[float, float]:
    x, y, w, h = annotation["bbox"]
    return x + w / 2, y + h / 2


def _check_place(text: str, image: dict[str, Any], target: dict[str, Any], alike: list[dict[str, Any]]) -> None:
    counted = re.search(r"(second|third|fourth|number two|number three|number four)", text)
    (x, y), others = centre(target), [centre(other) for other in alike]
    if counted:
        rank = {"second": 1, "third": 2, "fourth": 3, "two": 1, "three": 2, "four": 3}[counted[1].split()[-1]]
        before = {
            "left": sum(ox < x for ox, _ in others),
            "right": sum(ox > x for ox, _ in others),
            "top": sum(oy < y for _, oy in others),
            "bottom": sum(oy > y for _, oy in others),
        }
        assert before[re.findall(r"left|right|top|bottom", text)[-1]] == rank
    elif "middle" not in text and "cent" not in text and "heart" not in text and "between" not in text and "either" not in text:
        both = len(re.findall(r"left|right|top|bottom|upper|lower", text)) == 2  # a corner: at least one of the two tells it apart
        told = []
        for words, clear in (
            ("left", all(ox > x + 0.05 * image["width"] for ox, _ in others)),
            ("right(?! (in|by))", all(ox < x - 0.05 * image["width"] for ox, _ in others)),
            ("top|upper|highest", all(oy > y + 0.05 * image["height"] for _, oy in others)),
            ("bottom|lower|lowest|down", all(oy < y - 0.05 * image["height"] for _, oy in others)),
        ):
            if re.search(words, text):
                told.append(clear)
        assert told
        assert both or all(told)


def _check_closest(
    text: str, coco: Coco, target: dict[str, Any], alike: list[dict[str, Any]], everything: list[dict[str, Any]]
) -> None:
    """The target is nearer than all that are like it to one of the things named after "to"."""
    anchors = [
        other
        for other in everything
        if other["category_id"] != target["category_id"]
        and any(name in text for name in _names(coco.categories[other["category_id"]]))
    ]
    assert any(
        all(math.dist(centre(other), centre(anchor)) > 1.3 * math.dist(centre(target), centre(anchor)) for other in alike)
        for anchor in anchors
    )


def _names(kind: str) -> set[str]:
    return {name for entry in fluent_emoji().values() if entry["kind"] == kind for name in entry["names"]} | {kind}
