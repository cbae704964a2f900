"""Scenes of several clothed people: their phrases are true of exactly one person or of nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isfp_train.data.phrases.clothes import clothes_phrases, may_say, words_of
from isfp_train.data.phrases.geometry import DOUBT, MAYBE, NO, NOTHING, YES
from isfp_train.data.phrases.meaning import Meaning
from isfp_train.data.phrases.phrases import HELD_OUT_PAIRS
from isfp_train.data.phrases.worn import Described, DressedIn, Lacks, NotDressedIn, VisibleGarment, Wears, find
from isfp_train.data.scene import Scene, held_out, measure
from isfp_train.data.scenes.people import PeopleScenes
from isfp_train.data.scenes.sources import scene_sources
from isfp_train.data.sprites.clothing import ClothedPeople, Garment, garment_of
from isfp_train.data.sprites.coco import DARK, Coco
from isfp_train.data.sprites.colours import COLOURS
from isfp_train.errors import DataMissingError
from tests.train.photo_folder import file_names, write_photos

SIZE = (200, 300)
BODY = (60, 20, 100, 240)
KINDS = ["person", "shirt", "pants", "bag", "hat"]
OUTFITS = (("red", "blue", False), ("green", "blue", True), ("blue", "green", False), ("green", "red", False))


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> ClothedPeople:
    """Four drawn people in coloured shirts and pants for training, and one who is held out."""
    folder = tmp_path_factory.mktemp("clothing")
    names = [*file_names("train", len(OUTFITS)), *file_names("held_out", 1)]
    photos = {name: _drawn(*outfit) for name, outfit in zip(names, (*OUTFITS, OUTFITS[0]), strict=True)}
    write_photos(folder, photos, KINDS, size=(260, 160))
    return ClothedPeople(Coco(folder), "train")


def _drawn(shirt: str, pants: str, bag: bool) -> list[tuple[str, str, tuple[int, int, int, int]]]:
    boxes = [("person", "blue", BODY), ("shirt", shirt, (60, 60, 100, 130)), ("pants", pants, (62, 130, 98, 230))]
    return [*boxes, ("bag", "red", (86, 110, 100, 140))] if bag else boxes


def wearing(*garments: tuple[str, str | None], shown: float = 1.0) -> tuple[VisibleGarment, ...]:
    """Garments that are each a third of a person; those without a colour may have any."""
    every = frozenset(("red", "green", "blue", "black", "white"))
    colours = [(kind, colour, frozenset((colour,)) if colour else every) for kind, colour in garments]
    return tuple(VisibleGarment(Garment(*each), 500, shown, 0.33) for each in colours)


def row_of(count: int) -> list:
    """People side by side, each 40 pixels wide."""
    found = []
    for place in range(count):
        mask = np.zeros(SIZE, bool)
        mask[40:180, 10 + 70 * place : 50 + 70 * place] = True
        found.append(measure(mask, ("person",), "person"))
    return found


def test_only_people_of_the_split_are_used(people: ClothedPeople) -> None:
    assert sorted(people.kinds) == [1, 2, 3, 4]
    assert sorted(ClothedPeople(people._coco, "held_out").kinds) == [5]


def test_a_cut_out_has_its_garments_with_their_colours(people: ClothedPeople) -> None:
    person = people.person(2)
    assert {(garment.kind, garment.colour) for garment in person.garments} == {
        ("shirt", "green"),
        ("pants", "blue"),
        ("bag", "red"),
    }
    assert person.worn.shape == person.rgba.shape[:2]


def test_a_dyed_garment_has_the_new_colour_and_the_others_keep_theirs(people: ClothedPeople) -> None:
    person = people.person(1)
    place = [garment.kind for garment in person.garments].index("shirt")
    dyed = person.dyed(place, "yellow", np.random.default_rng(1))
    assert {(garment.kind, garment.colour) for garment in dyed.garments} == {("shirt", "yellow"), ("pants", "blue")}
    assert np.array_equal(dyed.rgba[dyed.worn != place + 1], person.rgba[person.worn != place + 1])


def test_grey_cloth_and_cloth_in_the_dark_have_no_certain_colour() -> None:
    assert garment_of("shirt", np.full((90, 3), 130, np.uint8)).colour is None
    assert garment_of("shirt", np.tile(np.uint8((200, 20, 20)), (90, 1)), lit=False).colour is None
    assert garment_of("shirt", np.tile(np.uint8((200, 20, 20)), (90, 1))).colour == "red"


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ((Wears("shirt", "red"),), 0),
        ((Wears("shirt", "green"),), DOUBT),
        ((Wears("shirt", "green"), Wears("bag")), 1),
        ((Wears("shirt", "white"),), NOTHING),
        ((Wears("shirt", "red"), Wears("bag")), NOTHING),
        ((Wears("dress"),), DOUBT),
        ((Lacks("hat"),), DOUBT),
        ((DressedIn("red"),), 0),
        ((DressedIn("red", entirely=True),), 0),
        ((NotDressedIn("green"),), 0),
        ((Lacks("shoes"),), DOUBT),
    ],
    ids=str,
)
def test_a_description_is_proved_to_fit_one_person_or_nobody(traits: tuple, expected: int) -> None:
    outfits = [
        wearing(("shirt", "red"), ("pants", "red")),
        wearing(("shirt", "green"), ("bag", "red")),
        wearing(("shirt", "green"), ("pants", "green")),
    ]
    assert find(Described(traits), row_of(3), outfits, SIZE) == expected


def test_a_person_in_uncertain_or_hidden_clothes_makes_a_proof_fail() -> None:
    red = wearing(("shirt", "red"))
    said = Described((Wears("shirt", "red"),))
    assert find(said, row_of(2), [red, wearing(("shirt", None))], SIZE) == DOUBT
    assert find(said, row_of(2), [red, wearing(("dress", "red"))], SIZE) == DOUBT  # part of a dress looks like a shirt
    assert find(said, row_of(2), [wearing(("shirt", "red"), shown=0.2), wearing(("shirt", "blue"))], SIZE) == DOUBT
    assert find(said, row_of(2), [red, wearing(("shirt", "blue"))], SIZE) == 0


def test_places_and_relations_count_only_those_whom_the_clothes_fit() -> None:
    outfits = [wearing(("shirt", colour)) for colour in ("red", "green", "green", "green")]
    green = (Wears("shirt", "green"),)
    people = row_of(4)
    assert find(Described(green, picked=Meaning("person", order=(1, "left"))), people, outfits, SIZE) == 1
    assert find(Described(green, picked=Meaning("person", place="rightmost")), people, outfits, SIZE) == 3
    beside = Described(relation="nearest", anchor=Described((Wears("shirt", "red"),)))
    assert find(beside, people, outfits, SIZE) == 1
    assert find(Described(relation="nearest", anchor=Described(green)), people, outfits, SIZE) == DOUBT


def test_only_a_person_in_full_view_is_said_to_lack_something() -> None:
    (hat,) = wearing(("hat", "blue"), shown=0.0)
    assert Lacks("hat").holds(wearing(("shirt", "red"))) == YES
    assert Lacks("hat").holds((*wearing(("shirt", "red")), hat)) == MAYBE
    assert Lacks("hat").holds((*wearing(("shirt", "red")), *wearing(("pants", "red"), shown=0.2))) == MAYBE
    assert Lacks("hat").holds(wearing(("hat", "red"))) == NO


@pytest.mark.parametrize("kind", ["hat", "bag", "shoes", "scarf"])
@pytest.mark.parametrize("colour", ["red", None])
def test_not_in_red_is_said_of_a_person_none_of_whose_things_may_be_red(kind: str, colour: str | None) -> None:
    blue = wearing(("shirt", "blue"), ("pants", "blue"))
    assert NotDressedIn("red").holds(blue) == YES
    assert NotDressedIn("red").holds((*blue, *wearing((kind, colour)))) == MAYBE
    assert NotDressedIn("red").holds(wearing(("shirt", "red"), ("pants", "red"))) == NO


@pytest.mark.parametrize(("bottom", "expected"), [(190, 0), (150, DOUBT)])
def test_closest_to_us_is_who_is_both_bigger_and_lower(bottom: int, expected: int) -> None:
    boxes = [(bottom - 145, bottom, 10, 90), (85, 155, 150, 180)]
    masks = [np.zeros(SIZE, bool) for _ in boxes]
    for mask, (top, low, left, right) in zip(masks, boxes, strict=True):
        mask[top:low, left:right] = True
    people = [measure(mask, ("person",), "person") for mask in masks]
    said = Described(picked=Meaning("person", place="front"))
    assert find(said, people, [wearing(("shirt", "red"))] * 2, SIZE) == expected
    rng = np.random.default_rng(0)
    bigger = {words_of(Described(picked=Meaning("person", size="biggest")), 2, rng) for _ in range(50)}
    assert all(text.startswith(("biggest", "largest")) for text in bigger)
    assert any("closest to us" in words_of(said, 2, rng) for _ in range(50))


def test_phrases_about_clothes_have_no_pair_of_colour_and_kind_that_is_held_out() -> None:
    held = [colour for colour in COLOURS if held_out(f"{colour} skirt", HELD_OUT_PAIRS)]
    trained = [colour for colour in COLOURS if colour not in held]
    assert held
    assert trained
    for colour in held:
        assert not may_say(Described((Wears("skirt", colour),)))
        assert not may_say(Described(relation="nearest", anchor=Described((Wears("skirt", colour),))))
        outfits = [wearing(("skirt", colour)), wearing(("skirt", trained[0]))]
        phrases = clothes_phrases(row_of(2), outfits, SIZE, np.random.default_rng(0), 60, 0.3)
        assert phrases
        assert not [phrase.text for phrase in phrases if f"{colour} skirt" in phrase.text]
    assert may_say(Described((Wears("skirt", trained[0]),)))


def test_a_colour_that_cloth_in_a_dark_photo_is_dyed_in_is_uncertain(people: ClothedPeople) -> None:
    person = people.person(1)
    place = [garment.kind for garment in person.garments].index("shirt")
    dark = replace(person, lit=False).dyed(place, "yellow", np.random.default_rng(1)).garments[place]
    assert dark.colour is None
    assert {"yellow", "black"} <= dark.perhaps


@pytest.mark.parametrize(("brightness", "lit"), [(DARK - 5, False), (DARK + 5, True)])
def test_a_photo_is_lit_from_a_brightness_on(tmp_path: Path, brightness: int, lit: bool) -> None:
    write_photos(tmp_path, {file_names("train", 1)[0]: _drawn(*OUTFITS[0])}, KINDS, size=(260, 160))
    coco = Coco(tmp_path)
    coco.photo = lambda photo: np.full((260, 160, 3), brightness, np.uint8)  # type: ignore[method-assign]
    assert ClothedPeople(coco, "train").person(1).lit == lit


def test_scenes_have_people_as_objects_and_phrases_of_both_kinds(people: ClothedPeople) -> None:
    scenes = [PeopleScenes(people, size=240).scene(seed) for seed in range(20)]
    phrases = [phrase for scene in scenes for phrase in scene.expressions]
    assert all(obj.kind == "person" for scene in scenes for obj in scene.objects)
    assert all(1 <= len(scene.objects) <= 4 and len(scene.expressions) <= 14 for scene in scenes)
    assert {phrase.kind for phrase in phrases} == {"expression", "absent"}
    assert all((phrase.target is None) == (phrase.kind == "absent") for phrase in phrases)
    assert all(scene.objects[p.target].nameable for scene in scenes for p in scene.expressions if p.target is not None)
    assert all(phrase.text == phrase.text.lower().strip(" .") and "{" not in phrase.text for phrase in phrases)
    assert len({phrase.text for phrase in phrases}) > len(phrases) / 2


def test_the_colour_in_a_phrase_is_seen_on_its_person_and_on_nobody_if_absent(people: ClothedPeople) -> None:
    checked = 0
    for seed in range(30):
        scene, outfits = PeopleScenes(people, size=240).dressed(np.random.default_rng(seed))
        for phrase in scene.expressions:
            for colour in ("red", "green", "blue"):
                if f"{colour} shirt" not in phrase.text or len(phrase.text.split()) > 5:
                    continue
                has = [any(seen.garment.kind == "shirt" and seen.garment.colour == colour for seen in outfit) for outfit in outfits]
                if phrase.target is None:
                    assert not any(has) or " and " in phrase.text or "with" in phrase.text
                elif "of" not in phrase.text.split() and "to" not in phrase.text.split() and "beside" not in phrase.text:
                    checked += any(has)
    assert checked


def test_a_scene_depends_only_on_its_seed(people: ClothedPeople) -> None:
    def scene(seed: int) -> Scene:
        return PeopleScenes(people, size=160).scene(seed)

    one, again, other = scene(3), scene(3), scene(4)
    assert np.array_equal(one.image, again.image)
    assert one.expressions == again.expressions
    assert one.image.shape != other.image.shape or not np.array_equal(one.image, other.image)


def test_a_data_folder_without_photos_of_clothes_is_reported(tmp_path: Path) -> None:
    for folder in ("sprites", "backgrounds"):
        (tmp_path / folder).mkdir()
    write_photos(tmp_path / "coco_train", {file_names("train", 1)[0]: [("cup", "red", (10, 20, 60, 70))]}, ["cup"])
    with pytest.raises(DataMissingError, match="clothing/instances.json"):
        scene_sources({"people": 1.0}, tmp_path, 160, "train")
