"""Scenes on disk, and the samples made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from isfp.steps.letterbox import Framing
from isfp.steps.phrase import Vocabulary
from isfp_train.data.scenes.compose import ProceduralScenes
from isfp_train.data.store.prepare import prepare
from isfp_train.data.store.scene_pool import scene_pool
from isfp_train.data.store.store import FILL, Store, shard_folders, write_shard
from isfp_train.data.store.stream import SampleConfig, SceneSamples, collate
from isfp_train.data.vocabulary.phrase_words import phrase_words
from isfp_train.errors import ConfigurationError
from isfp_train.network.backbone import Backbone
from isfp_train.run.targets import centre_cells

SIZE = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    torch.manual_seed(0)
    prepare(folder, [(ProceduralScenes(SIZE), 1.0)], 6, 50, SIZE, {"test": 1}, Backbone("efficientnet_lite0").eval())
    return folder


@pytest.fixture(scope="module")
def without_maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    prepare(folder, [(ProceduralScenes(SIZE), 1.0)], 6, 50, SIZE, {"test": 1})
    return folder


def samples(folder: Path, epoch: int = 0, length: int = 6, **changes: float) -> SceneSamples:
    config = SampleConfig(phrases=4, masks=2, **changes)  # type: ignore[arg-type]
    return SceneSamples(Store(folder), Vocabulary.from_words(phrase_words()), config, 5, 20, seed=1, epoch=epoch, length=length)


def test_stored_scene_is_the_scene(folder: Path) -> None:
    store, source = Store(folder), ProceduralScenes(SIZE)
    assert len(store) == 6
    for index in range(6):
        stored, scene = store[index], source.scene(50 + index)
        framing = Framing(SIZE, SIZE, FILL)
        np.testing.assert_array_equal(stored.view, framing.fit(scene.image)[0][0])
        for number, obj in enumerate(scene.objects):
            assert obj.mask is not None
            np.testing.assert_array_equal(stored.mask(number), framing.fit_mask(obj.mask) >= 0.5)
            assert stored.objects[number].names == obj.names
            assert stored.objects[number].centre == pytest.approx(obj.centre)
        assert [level.shape for level in stored.maps] == [(40, 8, 8), (112, 4, 4), (320, 2, 2)]


def test_killed_preparation_goes_on_and_leaves_no_half_shard(folder: Path, tmp_path: Path) -> None:
    source = ProceduralScenes(SIZE)

    def breaks():
        yield source.scene(0), ()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "shard-00000000", breaks(), SIZE)
    assert shard_folders(tmp_path) == []
    prepare(tmp_path, [(source, 1.0)], 2, 0, SIZE, {"test": 1})
    (shard,) = shard_folders(tmp_path)
    written = shard.stat().st_mtime_ns
    prepare(tmp_path, [(source, 1.0)], 2, 0, SIZE, {"test": 1})
    assert shard.stat().st_mtime_ns == written


def test_sample_depends_on_seed_epoch_and_place_alone(folder: Path) -> None:
    one, other = samples(folder), samples(folder)
    other[3]  # asking for another sample first changes nothing
    for name, value in one[1].items():
        np.testing.assert_array_equal(value, other[1][name])
    assert not np.array_equal(one[1]["words"], samples(folder, epoch=1)[1]["words"])


def test_epochs_go_through_all_scenes(folder: Path) -> None:
    seen = {samples(folder, epoch, length=3)[i]["view"].tobytes() for epoch in range(2) for i in range(3)}
    assert len(seen) == 6


@pytest.mark.parametrize("changes", [{}, {"flip": 1.0}, {"moved": 1.0}, {"flip": 1.0, "moved": 1.0, "relit": 1.0}], ids=str)
def test_masks_lie_where_the_cells_say(without_maps: Path, changes: dict[str, float]) -> None:
    for index in range(6):
        batch = collate([samples(without_maps, **changes)[index]])
        told, shown = batch.centres[batch.masked], centre_cells(batch.masks, 5)
        assert ((told - shown).abs() <= 1).all()  # a mirrored letterbox may be off by one pixel
        assert (batch.centres[batch.masked] >= 0).all()


def test_mirroring_turns_picture_and_masks_alike(without_maps: Path) -> None:
    plain, mirrored = samples(without_maps, flip=0.0), samples(without_maps, flip=1.0)
    for index in range(6):
        np.testing.assert_array_equal(plain[index]["view"], mirrored[index]["view"][:, ::-1])


def test_a_changed_scene_is_the_same_each_time_it_is_asked_for_and_another_in_the_next_epoch(without_maps: Path) -> None:
    changes = {"moved": 1.0, "relit": 1.0}
    one, again, later = (samples(without_maps, epoch, **changes) for epoch in (0, 0, 1))
    for index in range(6):
        np.testing.assert_array_equal(one[index]["view"], again[index]["view"])
    assert {one[index]["view"].tobytes() for index in range(6)}.isdisjoint(later[index]["view"].tobytes() for index in range(6))


@pytest.mark.parametrize("change", ["flip", "moved", "relit"])
def test_pictures_of_stored_maps_are_never_changed(folder: Path, change: str) -> None:
    with pytest.raises(ConfigurationError, match=f"Set {change}: 0"):
        samples(folder, **{change: 0.5})


@pytest.mark.parametrize(
    "change", [{"count": 4}, {"size": 32}, {"seed": 51}, {"made_of": {"test": 2}}, {"backbone": None}], ids=str
)
def test_store_of_other_scenes_is_refused(folder: Path, change: dict) -> None:
    same = {"count": 6, "seed": 50, "size": SIZE, "made_of": {"test": 1}, "backbone": Backbone("efficientnet_lite0").eval()}
    with pytest.raises(ConfigurationError, match="--cache"):
        prepare(folder, [(ProceduralScenes(SIZE), 1.0)], **{**same, **change})


def test_batch_tells_whose_phrase_is_whose(folder: Path) -> None:
    parts = [samples(folder)[index] for index in range(3)]
    batch = collate(parts)
    assert batch.views.shape == (3, SIZE, SIZE, 3)
    assert batch.scenes.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert batch.words.shape == (12, 20)
    assert (batch.lengths >= 1).all()
    assert len(batch.masks) == len(batch.masked)
    first = [batch.scenes[batch.masked].tolist().index(scene) for scene in range(3)]
    assert set(batch.refined.tolist()) >= set(first)
    assert len(batch.refined) <= 3 * SampleConfig().refined
    np.testing.assert_array_equal(batch.words[4:8].numpy(), parts[1]["words"])


@pytest.mark.slow
def test_scenes_of_worker_processes_are_the_same_in_the_same_order() -> None:
    sources = [(ProceduralScenes(SIZE), 0.5), (ProceduralScenes(2 * SIZE), 0.5)]
    with scene_pool(sources, 2) as pool, scene_pool(sources, 0) as alone:
        for one, other in zip(pool.scenes(range(10, 16)), alone.scenes(range(10, 16)), strict=True):
            np.testing.assert_array_equal(one.image, other.image)
