from __future__ import annotations

import hashlib
import subprocess
import sys

import cv2
import numpy as np
import pytest

from isfp_train.data.scene import Scene, held_out, in_split, measure
from isfp_train.data.scenes.compose import LEAST_VISIBLE, ProceduralScenes
from isfp_train.data.sprites.colours import COLOURS, colour_of
from isfp_train.data.sprites.procedural import ProceduralSprites


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    source = ProceduralScenes(size=200)
    return [source.scene(seed) for seed in range(60)]


def test_measures_are_those_of_the_mask(scenes: list[Scene]) -> None:
    for scene in scenes:
        for obj in scene.objects:
            ys, xs = np.nonzero(obj.mask)
            assert obj.area == len(ys)
            assert obj.box == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
            assert obj.centre == pytest.approx((xs.mean() + 0.5, ys.mean() + 0.5))


def test_visible_masks_do_not_overlap(scenes: list[Scene]) -> None:
    for scene in scenes:
        layers = np.stack([obj.mask for obj in scene.objects]).sum(axis=0)
        assert layers.max() == 1


def test_masks_cover_what_was_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture with the objects differs from the picture without them on the masks, and nowhere else."""
    from isfp_train.data.scenes import compose

    monkeypatch.setattr(compose, "finish", lambda canvas, rng: np.clip(canvas, 0, 255).astype(np.uint8))
    monkeypatch.setattr(compose, "_shadow", lambda *ignored: None)
    source = ProceduralScenes(size=200)
    covered = []
    for seed in range(20):
        scene = source.scene(seed)
        with monkeypatch.context() as patch:
            patch.setattr(compose, "paste", lambda canvas, sprites, poses, rng: (canvas, []))
            empty = source.scene(seed).image
        changed = (scene.image != empty).any(axis=2)
        masks = np.any([obj.mask for obj in scene.objects], axis=0)
        edge = cv2.dilate(masks.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        assert (changed & ~edge).sum() <= 0.02 * masks.sum()  # threads thinner than half a pixel
        covered.append((changed & masks).sum() / masks.sum())
    assert min(covered) > 0.97


def test_frames_have_the_asked_size_and_several_aspects(scenes: list[Scene]) -> None:
    shapes = {scene.image.shape[:2] for scene in scenes}
    assert all(max(shape) == 200 for shape in shapes)
    assert len(shapes) >= 3
    assert all(scene.image.dtype == np.uint8 for scene in scenes)


def test_scenes_hold_two_to_eight_objects_that_are_mostly_targets(scenes: list[Scene]) -> None:
    counts = [len(scene.objects) for scene in scenes]
    assert min(counts) >= 1
    assert max(counts) <= 8
    nameable = [obj.nameable for scene in scenes for obj in scene.objects]
    assert np.mean(nameable) > 0.9


def test_hidden_objects_are_never_targets() -> None:
    from isfp_train.data.scenes.compose import paste
    from isfp_train.data.scenes.layout import SpritePose

    sprite = ProceduralSprites().sprite("cube", np.random.default_rng(0), "red")
    poses = [SpritePose(50, 50, 0.3, 0, False, 0), SpritePose(55, 50, 0.3, 0, False, 0)]
    canvas = np.zeros((100, 100, 3), np.float32)
    _, layers = paste(canvas, [sprite, sprite], poses, np.random.default_rng(0))
    shown = [visible.sum() / whole for _, visible, whole in layers]
    assert shown[0] < LEAST_VISIBLE
    assert shown[1] > 0.95


def test_the_same_seed_gives_the_same_scene_and_another_seed_another() -> None:
    first, second = ProceduralScenes(size=96), ProceduralScenes(size=96)
    assert np.array_equal(first.scene(5).image, second.scene(5).image)
    assert first.scene(5).objects[0].box == second.scene(5).objects[0].box
    assert not any(np.array_equal(first.scene(5).image, first.scene(seed).image) for seed in range(5))


def test_another_process_makes_the_same_bytes() -> None:
    code = (
        "import hashlib, numpy as np\n"
        "from isfp_train.data.scenes.compose import ProceduralScenes\n"
        "s = ProceduralScenes(size=96).scene(11)\n"
        "print(hashlib.sha256(s.image.tobytes() + b''.join(t.mask.tobytes() for t in s.objects)).hexdigest())\n"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    scene = ProceduralScenes(size=96).scene(11)
    mine = hashlib.sha256(scene.image.tobytes() + b"".join(obj.mask.tobytes() for obj in scene.objects)).hexdigest()
    assert other == mine


def test_there_are_at_least_fourteen_drawn_kinds() -> None:
    assert len(ProceduralSprites().kinds) >= 14


@pytest.mark.parametrize("kind", ProceduralSprites().kinds)
def test_drawings_have_the_colour_that_they_claim(kind: str) -> None:
    sprites = ProceduralSprites()
    for index, colour in enumerate(COLOURS):
        sprite = sprites.sprite(kind, np.random.default_rng(index), colour)
        assert sprite.rgba.dtype == np.uint8
        assert (sprite.rgba[..., 3] > 127).sum() > 300
        if sprite.colour is not None:
            seen = colour_of(sprite.rgba, 0.3)
            assert seen in (None, sprite.colour), (kind, colour, seen)


def test_held_out_shares_come_from_the_name_alone() -> None:
    names = [f"{i:05d}.png" for i in range(3000)]
    hidden = {name for name in names if held_out(name, 0.1)}
    assert 0.08 < len(hidden) / len(names) < 0.12
    assert hidden == {name for name in reversed(names) if in_split(name, 0.1, "held_out")}
    assert not any(in_split(name, 0.1, "train") for name in hidden)
    with pytest.raises(ValueError, match="train"):
        in_split("a", 0.1, "test")


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="is empty"):
        measure(np.zeros((4, 4), bool), ("mug",), "mug")
