from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as rle

from isfp_train.data.phrases.phrases import make_phrases
from isfp_train.data.scenes.compose import ComposedScenes
from isfp_train.data.scenes.photos import AnnotatedBackdrops, PhotoScenes
from isfp_train.data.sprites.coco import Coco, CocoCutouts
from isfp_train.data.sprites.names import COCO_NAMES
from isfp_train.errors import DataMissingError

HEIGHT, WIDTH = 200, 300
BOX = [60.0, 50.0, 160.0, 50.0, 160.0, 150.0, 60.0, 150.0]


def _runs(mask: np.ndarray) -> list[int]:
    """COCO's uncompressed RLE: run lengths down the columns, zeros first."""
    flat, counts, value, run = mask.T.ravel(), [], 0, 0
    for pixel in flat:
        if int(pixel) != value:
            counts.append(run)
            value, run = int(pixel), 0
        run += 1
    return [*counts, run]


def _annotation(number: int, image: int, category: int, mask: np.ndarray, segmentation: object, crowd: int = 0) -> dict:
    ys, xs = np.nonzero(mask)
    box = [int(xs.min()), int(ys.min()), int(xs.max() - xs.min() + 1), int(ys.max() - ys.min() + 1)]
    return {"id": number, "image_id": image, "category_id": category, "segmentation": segmentation, "iscrowd": crowd,
            "area": int(mask.sum()), "bbox": [float(v) for v in box]}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """40 photos: a cup (polygon), a second cup (RLE as runs) and a crowd of people (compressed RLE) on each."""
    (tmp_path / "images").mkdir()
    images, annotations = [], []
    cup = np.zeros((HEIGHT, WIDTH), np.uint8)
    cup[50:150, 60:160] = 1
    second = np.zeros_like(cup)
    second[70:130, 200:260] = 1
    crowd = np.zeros_like(cup)
    crowd[5:30, 200:290] = 1
    coded = rle.encode(np.asfortranarray(crowd))
    coded["counts"] = coded["counts"].decode()
    for i in range(1, 41):
        photo = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        photo[cup > 0] = (40, 40, 200)
        photo[second > 0] = (200, 60, 40)
        photo[crowd > 0] = (i, 255 - i, 128)
        cv2.imwrite(str(tmp_path / "images" / f"{i:04d}.jpg"), photo)
        images.append({"id": i, "file_name": f"{i:04d}.jpg", "height": HEIGHT, "width": WIDTH})
        annotations += [
            _annotation(10 * i, i, 47, cup, [BOX]),
            _annotation(10 * i + 1, i, 47, second, {"size": [HEIGHT, WIDTH], "counts": _runs(second)}),
            _annotation(10 * i + 2, i, 1, crowd, coded, crowd=1),
        ]
    categories = [{"id": 1, "name": "person"}, {"id": 47, "name": "cup"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "instances.json").write_text(json.dumps(content))
    return tmp_path


def test_polygons_and_both_run_length_codes_give_their_masks(folder: Path) -> None:
    coco = Coco(folder)
    polygon, runs, compressed = (coco.mask(annotation) for annotation in coco.annotations[1])
    assert polygon[60:140, 70:150].all()
    assert abs(int(polygon.sum()) - 100 * 100) < 300
    assert runs.sum() == 60 * 60
    assert runs[70:130, 200:260].all()
    assert compressed.sum() == 25 * 90
    assert compressed[5:30, 200:290].all()


def test_the_photos_folder_and_the_annotations_may_lie_apart(folder: Path) -> None:
    coco = Coco(folder / "images", folder / "instances.json")
    assert coco.photo(1).shape == (HEIGHT, WIDTH, 3)
    assert coco.photo(1)[100, 100, 0] > 150  # red comes first


def test_a_photo_whose_name_is_not_utf8_is_read_and_a_broken_one_is_named(folder: Path) -> None:
    content = json.loads((folder / "instances.json").read_text())
    content["images"][0]["file_name"] = os.fsdecode(b"caf\xe9.jpg")
    (folder / "instances.json").write_text(json.dumps(content))
    (folder / "images" / "0001.jpg").rename(folder / "images" / os.fsdecode(b"caf\xe9.jpg"))
    (folder / "images" / "0002.jpg").write_bytes(b"no picture")
    coco = Coco(folder)
    assert sum(1 in coco.split(which) for which in ("train", "held_out")) == 1
    assert coco.photo(1).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(DataMissingError, match=r"0002\.jpg is not a picture.*annotations list it"):
        coco.photo(2)


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"instances\.json"):
        Coco(tmp_path)
    (tmp_path / "instances.json").write_text("{}")
    with pytest.raises(ValueError, match="images"):
        Coco(tmp_path)


def test_training_and_held_out_photos_are_disjoint(folder: Path) -> None:
    coco = Coco(folder)
    train, hidden = set(coco.split("train")), set(coco.split("held_out"))
    assert hidden
    assert not train & hidden
    assert train | hidden == set(coco.split("all"))
    with pytest.raises(ValueError, match="held_out"):
        coco.split("val")


def test_cutouts_for_training_come_from_training_photos(folder: Path) -> None:
    coco = Coco(folder)
    train = {number // 10 for number in CocoCutouts(coco, "train").annotation_ids}
    hidden = {number // 10 for number in CocoCutouts(coco, "held_out").annotation_ids}
    assert train <= set(coco.split("train"))
    assert hidden <= set(coco.split("held_out"))
    every = CocoCutouts(coco, "all").annotation_ids & {10 * i + k for i in coco.split("train") for k in (0, 1)}
    assert 0 < len(every - CocoCutouts(coco, "train").annotation_ids) < 0.3 * len(every)


def test_cutouts_have_soft_edges_and_no_crowds(folder: Path) -> None:
    cutouts = CocoCutouts(Coco(folder), "all")
    assert cutouts.kinds == ("cup",)
    rgba = cutouts.sprite("cup", np.random.default_rng(0)).rgba
    alpha = rgba[..., 3]
    assert alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 255
    assert ((alpha > 20) & (alpha < 235)).any()


def test_photo_scenes_keep_the_truth_exact(folder: Path) -> None:
    coco = Coco(folder)
    scene = PhotoScenes(coco, size=300, photo_ids=[1], augment=False).scene(0)
    assert scene.image.shape == (HEIGHT, WIDTH, 3)
    for obj, annotation in zip(scene.objects, coco.annotations[1], strict=True):
        assert np.array_equal(obj.mask, coco.mask(annotation))
    assert [obj.colour for obj in scene.objects] == ["red", "blue", None]


def test_crops_keep_masks_on_their_objects(folder: Path) -> None:
    source = PhotoScenes(Coco(folder), size=160)
    for seed in range(40):
        scene = source.scene(seed)
        assert max(scene.image.shape[:2]) == 160
        for obj in scene.objects:
            if obj.kind == "cup" and obj.nameable:
                inside = scene.image[obj.mask].astype(int).mean(axis=0)
                channel = 0 if obj.colour == "red" else 2
                assert inside[channel] > inside[2 - channel] + 60


def test_a_crowd_makes_its_category_unnameable_but_counts(folder: Path) -> None:
    scene = PhotoScenes(Coco(folder), size=160, augment=False).scene(1)
    crowd = [obj for obj in scene.objects if obj.kind == "person"]
    assert len(crowd) == 1
    assert not crowd[0].nameable
    for seed in range(40):
        for expression in make_phrases(scene.objects, scene.image.shape[:2], np.random.default_rng(seed), 6):
            assert "person" not in expression.text


def test_objects_cut_or_tiny_are_counted_but_never_targets(folder: Path) -> None:
    coco = Coco(folder)
    source = PhotoScenes(coco, size=160)
    seen_cut = False
    for seed in range(80):
        for obj in source.scene(seed).objects:
            if obj.kind == "cup" and not obj.nameable:
                seen_cut = True
                assert obj.area > 0
    assert seen_cut


def test_backdrops_bring_their_annotated_objects_and_avoid_crowds(folder: Path) -> None:
    coco = Coco(folder)
    backdrops = AnnotatedBackdrops(coco, coco.split("train"))
    rng = np.random.default_rng(0)
    for _ in range(10):
        picture, standing = backdrops.backdrop(120, 160, rng)
        assert picture.shape == (120, 160, 3)
        assert all(obj.mask.shape == (120, 160) for obj in standing)


def test_composed_scenes_know_what_stood_on_the_backdrop(folder: Path) -> None:
    source = ComposedScenes(None, CocoCutouts(Coco(folder)), None, size=160)
    seen = 0
    for seed in range(30):
        scene = source.scene(seed)
        seen += sum(obj.names[0] == "person" for obj in scene.objects)
        layers = np.stack([obj.mask for obj in scene.objects]).sum(axis=0)
        assert layers.max() == 1
    assert seen == 0 or seen < 30


def test_every_category_has_names_of_its_own() -> None:
    assert len(COCO_NAMES) == 80
    for category, names in COCO_NAMES.items():
        assert len(set(names)) == len(names), category
        others = {name for name in names if name in COCO_NAMES and name != category}
        assert not others, f"{category} is also called {others}, which is another category"
