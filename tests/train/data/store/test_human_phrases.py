"""What people wrote about a scene is stored with it, and reaches the training samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from isfp.steps.phrase import Vocabulary
from isfp_train.data.scene import Expression, Scene
from isfp_train.data.scenes.compose import ProceduralScenes
from isfp_train.data.store.store import Store, write_shard
from isfp_train.data.store.stream import SampleConfig, SceneSamples, collate
from isfp_train.data.vocabulary.phrase_words import phrase_words
from isfp_train.run.targets import centre_cells

SIZE, GRID = 64, 5
SAID = (
    Expression("the cup", 0, "name", also=(1,)),
    Expression("a dog", None, "absent"),
    Expression("red one", 1, "expression"),
)


def scene(seed: int = 0, **changes: object) -> Scene:
    return replace(ProceduralScenes(SIZE).scene(seed), **changes)


def stored(folder: Path, scenes: Sequence[Scene]) -> Store:
    write_shard(folder / "shard-00000000", iter([(one, ()) for one in scenes]), SIZE)
    return Store(folder)


def samples(store: Store, **config: float) -> SceneSamples:
    settings = SampleConfig(**{"phrases": 3, "masks": 2, **config})
    return SceneSamples(store, Vocabulary.from_words(phrase_words()), settings, GRID, 20, seed=1, epoch=0, length=8)


def test_phrases_with_all_that_they_fit_and_what_may_be_made_beside_them_are_kept(tmp_path: Path) -> None:
    store = stored(tmp_path, [scene(expressions=SAID, made="present", absent=("plate", "key")), scene(1)])
    assert store[0].expressions == SAID
    assert (store[0].made, store[0].absent) == ("present", ("plate", "key"))
    assert (store[1].expressions, store[1].made, store[1].absent) == ((), "all", ())


def test_a_scene_of_which_nothing_may_be_made_is_seen_once_for_each_of_its_phrases(tmp_path: Path) -> None:
    store = stored(tmp_path, [scene(expressions=SAID, made="none"), scene(1), scene(2, expressions=SAID)])
    assert store.entries.tolist() == [0, 0, 0, 1, 2]


def test_every_object_that_a_phrase_fits_comes_with_its_cell(tmp_path: Path) -> None:
    store = stored(tmp_path, [scene(expressions=SAID[:1], made="none")])
    batch = collate([samples(store, phrases=1, masks=1)[place] for place in range(2)])
    cells = centre_cells(torch.from_numpy(np.stack([store[0].mask(place) for place in range(2)])), GRID).tolist()
    assert batch.centres.tolist() == [cells[0], cells[0]]
    assert batch.also.tolist() == [[0, *cells[1]], [1, *cells[1]]]  # phrases are counted through the batch


def test_what_people_wrote_is_said_beside_what_is_made(tmp_path: Path) -> None:
    store = stored(tmp_path, [scene(expressions=SAID)])
    vocabulary = Vocabulary.from_words(phrase_words())
    wanted = {tuple(vocabulary.encode(phrase.text, 20).ids) for phrase in SAID}
    for share, expected in ((0.0, False), (1.0, True)):
        said = {tuple(ids) for place in range(8) for ids in samples(store, written=share)[place]["words"]}
        assert wanted <= said if expected else not wanted & said


def test_phrases_of_people_are_mirrored_with_their_scene_or_left_out_where_right_may_be_no_side(tmp_path: Path) -> None:
    said = (Expression("the cup on the left", 0, "expression"), Expression("red one right by the plate", 1, "expression"))
    store = stored(tmp_path, [scene(expressions=said, made="none")])
    vocabulary = Vocabulary.from_words(phrase_words())
    for share, texts in ((0.0, {phrase.text for phrase in said}), (1.0, {"the cup on the right"})):
        sample = samples(store, flip=share)[0]
        np.testing.assert_array_equal(sample["view"], store[0].view[:, ::-1] if share else store[0].view)
        assert {tuple(ids) for ids in sample["words"]} == {tuple(vocabulary.encode(text, 20).ids) for text in texts}


def test_a_share_of_what_people_wrote_is_said_in_other_words(tmp_path: Path) -> None:
    said = (Expression("the guy on the left", 0, "expression"),)
    store = stored(tmp_path, [scene(expressions=said, made="none")])
    ids = Vocabulary.from_words(phrase_words()).encode("the guy on the left", 20).ids
    plain = samples(store, phrases=1, masks=1)
    assert all(np.array_equal(plain[place]["words"][0], ids) for place in range(8))
    varied = samples(store, phrases=1, masks=1, paraphrased=1.0)
    assert not all(np.array_equal(varied[place]["words"][0], ids) for place in range(8))
