from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from isfp_train.data.scenes.backdrops import PhotoBackdrops
from isfp_train.data.scenes.compose import ComposedScenes
from isfp_train.data.sprites.colours import COLOURS, colour_of, recolour
from isfp_train.data.sprites.names import kinds_called
from isfp_train.data.sprites.sprites import FolderSprites, fluent_emoji
from isfp_train.errors import DataFormatError


def _draw(path: Path, bgr: tuple[int, int, int]) -> None:
    picture = np.zeros((60, 80, 4), np.uint8)
    cv2.circle(picture, (40, 30), 22, (*bgr, 255), -1, cv2.LINE_AA)
    cv2.imwrite(str(path), picture)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    index = []
    for i in range(60):
        _draw(tmp_path / f"s{i}.png", (20, 20, 200) if i % 2 else (200, 60, 20))
        index.append({"file": f"s{i}.png", "name": f"Red-Ball {i % 3}" if i % 2 else "toy_car"})
    (tmp_path / "index.json").write_text(json.dumps(index))
    return tmp_path


def test_without_a_table_names_come_from_the_index_in_plain_words(folder: Path) -> None:
    sprites = FolderSprites(folder, split="all")
    assert sprites.kinds == ("ball 0", "ball 1", "ball 2", "toy car")


def test_sprites_are_cut_to_their_alpha_and_know_their_colour(folder: Path) -> None:
    sprite = FolderSprites(folder, split="all").sprite("ball 0", np.random.default_rng(0))
    assert sprite.rgba.shape[0] < 50
    assert sprite.rgba.shape[1] < 50
    assert sprite.colour == "red"


def test_a_table_gives_names_and_leaves_out_what_it_lacks(folder: Path) -> None:
    table = {"s0.png": {"names": ["car", "toy"], "kind": "car", "recolour": True}}
    sprites = FolderSprites(folder, table, "all")
    assert sprites.files == ["s0.png"]
    sprite = sprites.sprite("car", np.random.default_rng(0), "green")
    assert (sprite.names, sprite.colour) == (("car", "toy"), "green")
    assert colour_of(sprite.rgba) == "green"


def test_what_may_not_be_recoloured_keeps_its_colour(folder: Path) -> None:
    table = {"s0.png": {"names": ["plum"], "kind": "plum", "recolour": False}}
    assert FolderSprites(folder, table, "all").sprite("plum", np.random.default_rng(0), "green").colour == "blue"


def test_training_and_held_out_sprites_are_disjoint(folder: Path) -> None:
    train, hidden = FolderSprites(folder, split="train").files, FolderSprites(folder, split="held_out").files
    assert not set(train) & set(hidden)
    assert sorted(train + hidden) == FolderSprites(folder, split="all").files


def test_missing_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        FolderSprites(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="No sprite"):
        FolderSprites(tmp_path)


def test_a_sprite_whose_name_is_not_utf8_is_read_and_one_without_alpha_is_named(tmp_path: Path) -> None:
    _draw(tmp_path / "plum.png", (200, 60, 20))
    (tmp_path / "plum.png").rename(tmp_path / os.fsdecode(b"caf\xe9.png"))
    sprites = FolderSprites(tmp_path, split="all")
    assert sprites.sprite(*sprites.kinds, np.random.default_rng(0)).rgba.shape[2] == 4
    cv2.imwrite(str(tmp_path / "plain.png"), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(DataFormatError, match=r"plain\.png is not an RGBA picture"):
        FolderSprites(tmp_path, split="all").sprite("plain", np.random.default_rng(0))


@pytest.mark.parametrize("colour", COLOURS)
def test_recolouring_gives_the_colour_and_keeps_the_shading(colour: str) -> None:
    shading = np.linspace(0.6, 1.0, 50)[:, None, None]
    rgba = np.full((50, 50, 4), 255, np.uint8)
    rgba[..., :3] = (np.array([60, 90, 220]) * shading).astype(np.uint8)
    painted = recolour(rgba, colour, np.random.default_rng(3))
    assert painted is not None
    assert colour_of(painted, 0.5) in (colour, None if colour in ("white", "pink") else colour)
    rows = painted[..., :3].astype(int).sum(axis=2).mean(axis=1)
    assert rows[-1] > rows[0]


def test_the_emoji_table_has_plain_names_and_nothing_twice() -> None:
    table = fluent_emoji()
    assert len(table) > 500
    for file, entry in table.items():
        assert entry["names"], file
        assert len(set(entry["names"])) == len(entry["names"]), file
        for name in entry["names"]:
            assert name.isascii(), name
            assert name == " ".join("".join(c if c.isalnum() else " " for c in name.lower()).split()), name
            assert not set(name.split()) & set(COLOURS), name
            assert entry["kind"] in kinds_called(name)


def test_scenes_of_sprites_and_photos_are_the_same_on_every_call(folder: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for i in range(30):
        cv2.imwrite(str(photos / f"{i}.png"), rng.integers(0, 255, (90, 120, 3), dtype=np.uint8))
    assert not set(PhotoBackdrops(photos).files) & set(PhotoBackdrops(photos, "held_out").files)

    def scenes() -> list[np.ndarray]:
        source = ComposedScenes(FolderSprites(folder), None, PhotoBackdrops(photos), size=96)
        return [source.scene(seed).image for seed in range(8)]

    assert all(np.array_equal(one, other) for one, other in zip(scenes(), scenes(), strict=True))
