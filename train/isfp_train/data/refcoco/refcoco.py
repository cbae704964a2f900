"""RefCOCO, RefCOCO+, RefCOCOg and gRefCOCO: photos with the expressions that people wrote about them, as scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isfp.steps.phrase import split_words
from isfp_train.data.refcoco.layout import find_layout, read_refs, splits_of
from isfp_train.data.scene import Expression, Scene, SceneObject, measure
from isfp_train.data.sprites.coco import Coco
from isfp_train.errors import ConfigurationError, DataFormatError, DataMissingError

NO_TARGET = -1  # gRefCOCO's annotation id for absent objects


@dataclass(frozen=True)
class Ref:
    """Expressions about one object of a photo; in gRefCOCO also about several objects, or about an absent one.

    Attributes:
        photo: id of the photo.
        annotations: ids of the objects; empty if the object is absent.
        split: split of the data set.
        texts: the expressions.
    """

    photo: int
    annotations: tuple[int, ...]
    split: str
    texts: tuple[str, ...]


class RefCoco:
    """One of the data sets.

    Args:
        name: one of `layout.DATASETS`.
        root: see `layout.find_layout`.

    Raises:
        DataMissingError: files or photos are missing; the message says which, and where they were expected.
        DataFormatError: the files do not belong together.
    """

    def __init__(self, name: str, root: Path) -> None:
        self.name, self.splits = name, splits_of(name)
        layout = find_layout(name, root)
        self.coco = Coco(layout.photos, layout.instances)
        self.annotations = {a["id"]: a for group in self.coco.annotations.values() for a in group}
        self.refs = [_ref(entry) for entry in read_refs(layout.refs)]
        self._check(layout.refs, layout.instances)

    def photos(self, split: str) -> list[int]:
        """Sorted ids of the photos of a split. Those of "train" have no expressions of any other split.

        RefCOCOg's Google split shares photos between its splits; here, photos of "val" are removed from "train".

        Raises:
            ConfigurationError: the data set has no such split.
        """
        if split not in self.splits:
            raise ConfigurationError(f"{self.name} has no split {split!r}; expected any of {', '.join(self.splits)}.")
        own = {ref.photo for ref in self.refs if ref.split == split}
        return sorted(own - self.held_out_photos() if split == "train" else own)

    def held_out_photos(self) -> set[int]:
        """Ids of the photos that must not be trained on, not even by the backbone."""
        return {ref.photo for ref in self.refs if ref.split != "train"}

    def words(self, split: str = "train") -> set[str]:
        """All words of the expressions of a split."""
        return {word for ref in self.refs if ref.split == split for text in ref.texts for word in split_words(text)}

    def summary(self) -> str:
        """Describe the contents, with one line per split.

        Raises:
            DataMissingError: photos of the splits are missing.
        """
        lines = []
        for split in self.splits:
            refs = [ref for ref in self.refs if ref.split == split]
            self.require_photos(sorted({ref.photo for ref in refs}))
            expressions = sum(len(ref.texts) for ref in refs)
            nothing = sum(len(ref.texts) for ref in refs if not ref.annotations)
            lines.append(
                f"{self.name} {split}: {len({ref.photo for ref in refs})} photos, {len(refs)} referred objects, "
                f"{expressions} expressions, {nothing} of them for absent objects"
            )
        return "\n".join(lines)

    def require_photos(self, ids: Sequence[int]) -> None:
        """Check that photos exist.

        Raises:
            DataMissingError: some do not; the message names the first ones.
        """
        names = [str(self.coco.images[photo]["file_name"]) for photo in ids]
        missing = [name for name in names if not (self.coco.folder / name).is_file()]
        if missing:
            raise DataMissingError(
                f"{len(missing)} of {len(names)} photos are not in {self.coco.folder}: {', '.join(missing[:3])}"
                f"{' …' if len(missing) > 3 else ''}. They are part of COCO's train2014."
            )

    def _check(self, refs: Path, instances: Path) -> None:
        for ref in self.refs:
            unknown = [number for number in ref.annotations if number not in self.annotations]
            if ref.photo not in self.coco.images or unknown:
                raise DataFormatError(
                    f"{refs} refers to photo {ref.photo} and annotations {list(ref.annotations)}, not all of which "
                    f"{instances} has. Take both files from one download."
                )


def _ref(entry: dict) -> Ref:
    ids = entry["ann_id"] if isinstance(entry["ann_id"], list) else [entry["ann_id"]]
    texts = tuple(sentence.get("sent") or sentence.get("raw", "") for sentence in entry["sentences"])
    return Ref(
        int(entry["image_id"]),
        tuple(int(number) for number in ids if number != NO_TARGET),
        str(entry["split"]),
        tuple(text for text in texts if split_words(text)),
    )


class RefCocoScenes:
    """The photos of one split as scenes, unchanged, with their expressions. Every annotated instance is an object.

    Args:
        refcoco: the data set.
        split: one of its splits.

    Raises:
        DataMissingError: the split has no photos, or photos are missing.
    """

    def __init__(self, refcoco: RefCoco, split: str) -> None:
        self.refcoco, self.split, self.source = refcoco, split, refcoco.name
        self.ids = refcoco.photos(split)
        if not self.ids:
            raise DataMissingError(f"{refcoco.name} has no photos in its split {split!r}.")
        refcoco.require_photos(self.ids)
        self._refs: dict[int, list[Ref]] = {photo: [] for photo in self.ids}
        for ref in refcoco.refs:
            if ref.split == split and ref.photo in self._refs:
                self._refs[ref.photo].append(ref)

    def __len__(self) -> int:
        return len(self.ids)

    def scene(self, seed: int) -> Scene:
        """Photo number `seed` of the split; numbers beyond the last photo start again at the first."""
        photo = self.ids[seed % len(self.ids)]
        coco = self.refcoco.coco
        objects: list[SceneObject] = []
        place: dict[int, int] = {}
        for annotation in coco.annotations[photo]:
            mask = coco.mask(annotation)
            if mask.any():
                name = coco.categories[annotation["category_id"]]
                place[annotation["id"]] = len(objects)
                objects.append(measure(mask, (name,), name))
        expressions: list[Expression] = []
        for ref in self._refs[photo]:
            target = self._target(ref, place, objects)
            kind = "absent" if target is None else "expression" if len(ref.annotations) == 1 else "several objects"
            expressions += [Expression(text, target, kind) for text in ref.texts]
        return Scene(coco.photo(photo), tuple(objects), self.source, tuple(expressions), made="none")

    def _target(self, ref: Ref, place: dict[int, int], objects: list[SceneObject]) -> int | None:
        """Index of the object; several objects are joined into a further one, their union."""
        if not ref.annotations:
            return None
        meant = [place[number] for number in ref.annotations if number in place]
        if not meant:
            raise DataFormatError(f"{self.refcoco.name}: the masks of annotations {list(ref.annotations)} are empty.")
        if len(meant) == 1:
            return meant[0]
        masks = [mask for mask in (objects[number].mask for number in meant) if mask is not None]
        objects.append(measure(np.logical_or.reduce(masks), ("objects",), "several objects", nameable=False))
        return len(objects) - 1
