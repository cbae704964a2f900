"""Photos from several folders, with annotated objects and phrases that people wrote about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from isfp_train.data.phrases.written import WrittenPhrase
from isfp_train.data.scene import Expression, Made, Scene, measure, scene_rng
from isfp_train.data.scenes.near_copies import NEAR_COPIES
from isfp_train.data.scenes.photos import PhotoView, developed, random_crop
from isfp_train.data.sprites.coco import Coco
from isfp_train.data.sprites.names import COCO_NAMES
from isfp_train.data.sprites.photo_names import NEVER_ABSENT_TOGETHER, PHOTO_NAMES

#: Longer side in pixels of the photos that models are measured on.
PHOTO_SIZE = 640
#: A crop keeps a phrase if it contains at least this share of the object that the phrase describes.
LEAST_KEPT = 0.85


@dataclass(frozen=True)
class PhotoSet:
    """A folder of annotated photos.

    Attributes:
        name: name of the source, as in the files of phrases.
        coco: the photos and their annotations.
        photo_ids: ids of the photos to use.
        made: which phrases may be generated about them, as in `Scene`.
        weight: how often a photo is chosen, relative to photos of other folders.
        written: phrases that people wrote, by photo.
    """

    name: str
    coco: Coco
    photo_ids: Sequence[int]
    made: Made
    weight: float = 1.0
    written: Mapping[int, tuple[WrittenPhrase, ...]] = field(default_factory=dict)


class AnnotatedPhotos:
    """Crops of photos from several folders, whose longer side has `size` pixels, with the phrases that hold for the crop.

    Args:
        sets: the folders.
        size: longer side of a scene in pixels.
        augment: False uses each photo whole, without mirroring or changes of colour; scene n is then photo n.
        written_share: share of scenes with a photo that people wrote about, 0 to 1.

    Raises:
        ValueError: there are no photos.
    """

    source = "photo"

    def __init__(self, sets: Sequence[PhotoSet], size: int = 320, augment: bool = True, written_share: float = 0.5) -> None:
        self.size, self.augment, self.sets = size, augment, tuple(sets)
        self._views = [PhotoView(photos.coco, {**COCO_NAMES, **PHOTO_NAMES}) for photos in self.sets]
        self.photos = [(index, photo) for index, photos in enumerate(self.sets) for photo in photos.photo_ids]
        if not self.photos:
            raise ValueError("The folders contain no photos.")
        told = np.array([photo in self.sets[index].written for index, photo in self.photos])
        weights = np.array([self.sets[index].weight for index, _ in self.photos])
        shares = (written_share, 1 - written_share) if told.any() and not told.all() else (1.0, 1.0)
        odds = sum(
            share * weights * part / (weights * part).sum() for share, part in zip(shares, (told, ~told), strict=True) if part.any()
        )
        self._odds = np.cumsum(odds / np.sum(odds))

    def __len__(self) -> int:
        return len(self.photos)

    def scene(self, seed: int) -> Scene:
        """The scene of this seed."""
        rng = scene_rng(self.source, seed)
        place = int(np.searchsorted(self._odds, rng.random())) if self.augment else seed % len(self.photos)
        index, image_id = self.photos[min(place, len(self.photos) - 1)]
        photos, view = self.sets[index], self._views[index]
        written = photos.written.get(image_id, ())
        image = photos.coco.images[image_id]
        crop = None
        if self.augment and rng.random() < (0.5 if written else 0.7):
            crop = random_crop(image["height"], image["width"], rng)
        flipped = bool(self.augment and rng.random() < 0.5)
        frame, shown = view.look(image_id, crop, self.size, flipped)
        places = {standing.annotation: i for i, standing in enumerate(shown)}
        expressions = []
        for phrase in written:
            said: WrittenPhrase | None = phrase
            if crop is not None and (phrase.of_the_frame or phrase.annotation is None):
                continue
            if flipped:
                said = phrase.mirrored()
            if said is None:
                continue
            if said.annotation is None:
                expressions.append(Expression(said.text, None, said.kind or "absent"))
            elif said.annotation in places and shown[places[said.annotation]].kept >= LEAST_KEPT:
                expressions.append(Expression(said.text, places[said.annotation], said.kind or "expression"))
        objects = tuple(measure(s.mask, s.names, s.kind, s.colour, s.nameable) for s in shown)
        absent = () if photos.made != "present" else _absent(photos.coco, {standing.kind for standing in shown})
        picture = developed(frame, rng) if self.augment else frame
        return Scene(picture, objects, photos.name, tuple(expressions), photos.made, absent)


def _absent(coco: Coco, kinds: set[str]) -> tuple[str, ...]:
    """Names of the folder's kinds that are certainly absent: neither they nor objects that look like them are annotated."""
    doubtful = set(kinds).union(*(group for group in NEVER_ABSENT_TOGETHER if not kinds.isdisjoint(group)))
    return tuple(sorted(kind for kind in set(coco.categories.values()) - doubtful))


#: Folders in which every object of any kind that phrases name is annotated.
COMPLETE = frozenset(("coco_train", "rendered"))
#: Folders in which some objects of an annotated kind have no mask.
INCOMPLETE = frozenset(("waste_bottles", "sweets", "strawberries", "pigs", "pedestrians"))


def made_of(source: str) -> Made:
    """Which phrases may be generated about the photos of a folder, as in `Scene`."""
    if source in COMPLETE:
        return "all"
    return "names" if source in INCOMPLETE else "present"


def only_written(sets: Sequence[PhotoSet]) -> list[PhotoSet]:
    """The folders, with only the photos that people wrote about."""
    told = [replace(photos, photo_ids=[photo for photo in photos.photo_ids if photo in photos.written]) for photos in sets]
    return [photos for photos in told if photos.photo_ids]


def open_folder(
    folder: Path, written: Mapping[tuple[str, int], tuple[WrittenPhrase, ...]], split: str, weight: float = 1.0
) -> PhotoSet:
    """Open a folder with `images/` and `instances.json`, with the phrases that people wrote about its photos of a split.

    Photos that show the same scene as a held-out one are in neither split.
    """
    coco = Coco(folder)
    own = {image_id: phrases for (source, image_id), phrases in written.items() if source == folder.name}
    photo_ids = [photo for photo in coco.split(split) if photo not in NEAR_COPIES.get(folder.name, ())]
    return PhotoSet(folder.name, coco, photo_ids, made_of(folder.name), weight, own)
