"""RefCOCO's layout, read from files that were really written in it."""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isfp_train.data.phrases.phrases import make_phrases
from isfp_train.data.refcoco.layout import DATASETS, read_refs
from isfp_train.data.refcoco.refcoco import RefCoco, RefCocoScenes
from isfp_train.data.refcoco.writer import write_refcoco
from isfp_train.data.scene import Expression, Scene
from isfp_train.data.scenes.compose import ProceduralScenes
from isfp_train.data.store.prepare import prepare
from isfp_train.data.store.store import Store
from isfp_train.errors import ConfigurationError, DataFormatError, DataMissingError

SPLITS = ("train", "train", "train", "val", "testA", "testB")


def made() -> list[tuple[str, Scene]]:
    source, scenes = ProceduralScenes(96), []
    for number, split in enumerate(SPLITS):
        scene = source.scene(number)
        said = make_phrases(scene.objects, scene.image.shape[:2], np.random.default_rng(number), 12)
        scenes.append((split, replace(scene, expressions=tuple(Expression(r.text, r.target, r.kind) for r in said))))
    return scenes


@pytest.fixture(scope="module")
def scenes() -> list[tuple[str, Scene]]:
    scenes = made()
    assert any(e.target is None for _, scene in scenes for e in scene.expressions), "the case needs a phrase for nothing"
    return scenes


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, scenes: list[tuple[str, Scene]]) -> Path:
    root = tmp_path_factory.mktemp("refcoco")
    for name in ("refcoco", "grefcoco"):
        write_refcoco(name, root, scenes)
    return root


def meant(scene: Scene) -> dict[str, bytes | None]:
    """Each expression with the mask that it means."""
    masks = {e.text: None if e.target is None else scene.objects[e.target].mask for e in scene.expressions}
    return {text: None if mask is None else mask.tobytes() for text, mask in masks.items()}


@pytest.mark.parametrize("name", ["refcoco", "grefcoco"])
def test_what_was_written_is_read(name: str, root: Path, scenes: list[tuple[str, Scene]]) -> None:
    data = RefCoco(name, root)
    for split in ("train", "val", "testA", "testB"):
        read = RefCocoScenes(data, split)
        wanted = [scene for own, scene in scenes if own == split]
        assert len(read) == len(wanted)
        for number, scene in enumerate(wanted):
            again = read.scene(number)
            assert meant(again) == {t: m for t, m in meant(scene).items() if m is not None or name == "grefcoco"}
            assert again.image.shape == scene.image.shape
            assert np.abs(again.image.astype(int) - scene.image).mean() < 8, "JPEG, not another picture"
            assert len(again.objects) == len(scene.objects)
            assert again.source == name


def test_the_dataset_folder_itself_is_found_too(root: Path) -> None:
    assert RefCoco("refcoco", root / "refcoco").photos("val") == RefCoco("refcoco", root).photos("val")


def test_several_objects_are_their_union_and_none_is_nothing(root: Path, tmp_path: Path, scenes: list[tuple[str, Scene]]) -> None:
    write_refcoco("grefcoco", tmp_path, scenes)
    path = tmp_path / "grefcoco" / "grefs(unc).json"
    refs = json.loads(path.read_text())
    two = next(ref for ref in refs if ref["split"] == "val" and ref["ann_id"] != [-1])
    own = [a["id"] for a in json.loads((tmp_path / "grefcoco" / "instances.json").read_text())["annotations"] if a["image_id"] == 4]
    two["ann_id"], two["sentences"] = own[:2], [{"sent": "both of them", "sent_id": 0}]
    path.write_text(json.dumps(refs))
    scene = RefCocoScenes(RefCoco("grefcoco", tmp_path), "val").scene(0)
    (both,) = [e for e in scene.expressions if e.text == "both of them"]
    assert both.target is not None
    obj = scene.objects[both.target]
    np.testing.assert_array_equal(obj.mask, scene.objects[0].mask | scene.objects[1].mask)
    assert not obj.nameable
    assert {e.kind for e in scene.expressions if e.target is None} <= {"absent"}


def test_no_photo_of_another_split_is_trained_on(tmp_path: Path, scenes: list[tuple[str, Scene]]) -> None:
    """RefCOCOg's Google split shares photos between splits: here one photo is in both, by two of its objects."""
    write_refcoco("refcocog-google", tmp_path, [("train" if split == "train" else "val", scene) for split, scene in scenes])
    path = tmp_path / "refcocog" / "refs(google).p"
    refs = pickle.loads(path.read_bytes())
    shared = refs[0]["image_id"]
    refs[0]["split"] = "val"
    path.write_bytes(pickle.dumps(refs, protocol=2))
    data = RefCoco("refcocog-google", tmp_path)
    assert shared in data.photos("val")
    assert shared not in data.photos("train")
    assert not set(data.photos("train")) & data.held_out_photos()
    shown = {RefCocoScenes(data, "train").scene(n).image.tobytes() for n in range(len(RefCocoScenes(data, "train")))}
    hidden = {RefCocoScenes(data, "val").scene(n).image.tobytes() for n in range(len(RefCocoScenes(data, "val")))}
    assert not shown & hidden


def test_missing_files_are_all_named_with_their_places(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError) as caught:
        RefCoco("refcoco", tmp_path)
    for part in ("refs(unc).p", "instances.json", "train2014", str(tmp_path / "refcoco")):
        assert part in str(caught.value)


def test_missing_photos_are_counted_and_named(tmp_path: Path, scenes: list[tuple[str, Scene]]) -> None:
    write_refcoco("refcoco", tmp_path, scenes)
    (tmp_path / "images/mscoco/images/train2014/COCO_train2014_000000000004.jpg").unlink()
    data = RefCoco("refcoco", tmp_path)
    RefCocoScenes(data, "train")
    with pytest.raises(DataMissingError, match="1 of 1 photos.*COCO_train2014_000000000004"):
        RefCocoScenes(data, "val")


def test_files_that_do_not_fit_together_are_refused(tmp_path: Path, scenes: list[tuple[str, Scene]]) -> None:
    write_refcoco("refcoco", tmp_path, scenes)
    path = tmp_path / "refcoco" / "instances.json"
    content = json.loads(path.read_text())
    content["annotations"] = content["annotations"][:1]
    path.write_text(json.dumps(content))
    with pytest.raises(DataFormatError, match="one download"):
        RefCoco("refcoco", tmp_path)


class Evil:
    def __reduce__(self) -> tuple:
        return os.system, ("touch evil",)


@pytest.mark.parametrize(
    "content", [pickle.dumps([Evil()]), b"not a pickle", pickle.dumps({"no": "list"}), pickle.dumps([{"a": 1}])]
)
def test_pickles_hold_plain_values_alone(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "refs(unc).p").write_bytes(content)
    with pytest.raises(DataFormatError):
        read_refs(tmp_path / "refs(unc).p")
    assert not (tmp_path / "evil").exists()


def test_pickles_of_python_2_are_read(tmp_path: Path) -> None:
    """Protocol 0 with a byte string, as Python 2 wrote them."""
    text = (
        b"(lp0\n(dp1\nS'ref_id'\np2\nI7\nsS'ann_id'\np3\nL9L\nsS'image_id'\np4\nI3\nsS'split'\np5\nS'train'\np6\n"
        b"sS'sentences'\np7\n(lp8\n(dp9\nS'sent'\np10\nS'a caf\\xe9'\np11\nsasa."
    )
    (tmp_path / "refs(unc).p").write_bytes(text)
    assert read_refs(tmp_path / "refs(unc).p")[0]["sentences"][0]["sent"] == "a café"


def test_unknown_names_are_answered_with_the_known_ones(root: Path) -> None:
    with pytest.raises(ConfigurationError, match="refcocog-google"):
        RefCoco("refclef", root)
    with pytest.raises(ConfigurationError, match="testA"):
        RefCoco("refcoco", root).photos("test")
    assert {splits[0] for splits in (d.splits for d in DATASETS.values())} == {"train"}


def test_store_keeps_expressions_and_counts_them_as_entries(root: Path, tmp_path: Path) -> None:
    scenes = RefCocoScenes(RefCoco("grefcoco", root), "train")
    prepare(tmp_path, [(scenes, 1.0)], len(scenes), 0, 64, {"refcoco": "test"}, workers=0)
    store = Store(tmp_path)
    wanted = [scenes.scene(n).expressions for n in range(len(scenes))]
    assert [store[n].expressions for n in range(len(store))] == wanted
    assert np.bincount(store.entries).tolist() == [len(own) for own in wanted]
