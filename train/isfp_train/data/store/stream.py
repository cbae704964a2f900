"""Training samples from stored scenes: several phrases per scene, some of them with masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from isfp.steps.letterbox import Framing, Letterbox
from isfp.steps.phrase import UNKNOWN_ID, Vocabulary
from isfp_train.data.phrases.naming import name_phrases
from isfp_train.data.phrases.paraphrase import paraphrase
from isfp_train.data.phrases.phrases import make_phrases
from isfp_train.data.phrases.written import mirrored_text
from isfp_train.data.scene import Expression, SceneObject
from isfp_train.data.store.jitter import Move, relit
from isfp_train.data.store.store import FILL, Store, StoredScene
from isfp_train.errors import ConfigurationError
from isfp_train.settings import check_range


class Batch(NamedTuple):
    """`B` scenes, `N` phrases, `M` of which come with masks.

    Attributes:
        views: RGB uint8 `[B,H,W,3]`.
        maps: backbone maps `[B,C,h,w]` at strides 8, 16, 32; empty if the backbone is trained.
        words: word ids `[N,L]`.
        lengths: numbers of words `[N]`.
        scenes: scene of each phrase `[N]`.
        centres: row and column of the target's cell for each phrase `[N,2]`; (-1, -1) for absent objects.
        also: phrase, row and column of each further object that a phrase fits `[E,3]`.
        masked: phrases with masks `[M]`.
        masks: bool `[M,H,W]`.
        refined: masks that the refinement is trained on `[R]`.
    """

    views: Tensor
    maps: tuple[Tensor, ...]
    words: Tensor
    lengths: Tensor
    scenes: Tensor
    centres: Tensor
    also: Tensor
    masked: Tensor
    masks: Tensor
    refined: Tensor


#: Settings that change pictures, and so also the maps of a backbone.
PICTURE_CHANGES = ("flip", "moved", "relit")


@dataclass(frozen=True)
class SampleConfig:
    """How scenes become samples."""

    phrases: int = 8  # ours: phrases per scene and step, which share the visual maps
    masks: int = 2  # ours: how many of them train the mask branch; identification is harder, and ten times cheaper
    cells: int = 9  # ours: how many of an object's nine cells train its mask: the centre's, and others in turn; odd
    refined: int = 2  # ours: how many of those with masks train the refinement, which works at full size
    absent: float = 0.12  # ours: share of phrases for absent objects
    comparisons: float = 0.0  # ours: share of the other phrases that should compare by order or size
    written: float = 0.5  # ours: share of human phrases, if there are any and others can be generated
    names: float = 0.1  # ours: share of the other phrases that only name objects, and can fit several
    unknown: float = 0.0  # ours: share of the words that the network sees as unknown ones, in phrases of three and more
    paraphrased: float = 0.0  # ours: share of human phrases that are said in other words
    flip: float = 0.0  # ours: share of mirrored scenes; not with stored backbone maps
    moved: float = 0.0  # ours: share of scenes that are scaled and shifted within the frame; not with stored backbone maps
    relit: float = 0.0  # ours: share of scenes in another light; not with stored backbone maps

    def __post_init__(self) -> None:
        shares = ("absent", "comparisons", "written", "names", "unknown", "paraphrased", *PICTURE_CHANGES)
        check_range(self, 0, 1, *shares)
        check_range(self, 1, 65536, "phrases", "masks", "refined")
        if self.cells not in (1, 3, 5, 7, 9):
            raise ConfigurationError(
                f"samples.cells is {self.cells}; expected 1, 3, 5, 7 or 9: the centre's cell and an even number of its neighbours."
            )

    def unchanged(self) -> SampleConfig:
        """The same without random changes of pictures or words, as for validation."""
        return replace(self, flip=0.0, moved=0.0, relit=0.0, unknown=0.0, paraphrased=0.0)


class SceneSamples(Dataset):
    """Samples of one epoch. Item n is always the same, so a resumed run has the same samples as an uninterrupted one.

    Args:
        store: the scenes.
        vocabulary: gives the word ids.
        config: numbers of phrases and masks per scene.
        grid: S.
        max_words: L.
        seed: seed of the run.
        epoch: number of the epoch; each has its own phrases.
        length: number of scenes in this epoch.

    Raises:
        ConfigurationError: scenes are to be changed, but their backbone maps are stored.
    """

    def __init__(
        self,
        store: Store,
        vocabulary: Vocabulary,
        config: SampleConfig,
        grid: int,
        max_words: int,
        seed: int,
        epoch: int,
        length: int,
    ) -> None:
        changes = {name: getattr(config, name) for name in PICTURE_CHANGES if getattr(config, name)}
        if changes and len(store) and store[0].maps:
            name, share = next(iter(changes.items()))
            raise ConfigurationError(
                f"samples.{name} is {share}, but the stored scenes have backbone maps, and those of a changed picture are others. "
                f"Set {name}: 0, or train the backbone (freeze_backbone: false)."
            )
        self.store, self.vocabulary, self.config = store, vocabulary, config
        self.grid, self.max_words = grid, max_words
        self.seed, self.epoch, self.length = seed, epoch, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """Arrays of one scene, as `collate` joins them."""
        position = self.epoch * self.length + index
        entries = self.store.entries
        passes, place = divmod(position, len(entries))
        order = _order(len(entries), self.seed, passes)
        rng = np.random.default_rng((self.seed, position))
        while True:
            stored = self.store[int(entries[order[place]])]
            flip = bool(rng.random() < self.config.flip)
            if flip:
                stored = replace(stored, expressions=_mirrored_phrases(stored.expressions))
            objects = tuple(_mirrored(obj, stored.size[1]) for obj in stored.objects) if flip else stored.objects
            expressions = self._said(stored, objects, rng, self.config.phrases)
            if expressions:
                return self._sample(stored, objects, expressions, flip, rng)
            place = int(rng.integers(len(entries)))  # there is no phrase for this scene: take another one

    def _sample(
        self,
        stored: StoredScene,
        objects: Sequence[SceneObject],
        expressions: Sequence[Expression],
        flip: bool,
        rng: np.random.Generator,
    ) -> dict[str, np.ndarray]:
        count = self.config.phrases
        chosen = [expressions[i] for i in range(min(count, len(expressions)))]
        while len(chosen) < count:  # few objects can be said: some of it again, in other words
            more = self._said(stored, objects, rng, count - len(chosen))
            chosen += more[: count - len(chosen)] or chosen[: count - len(chosen)]
        encoded = [self.vocabulary.encode(expression.text, self.max_words) for expression in chosen]
        side = stored.view.shape[0]
        letterbox = Framing(side, side, FILL).letterbox(*stored.size)
        move = Move.draw(side, rng) if self._drawn(self.config.moved, rng) else None
        centres = np.full((count, 2), -1, np.int64)
        also = []
        for row, expression in enumerate(chosen):
            if expression.target is not None:
                centres[row] = self._cell(letterbox, move, objects[expression.target], side)
                also += [(row, *self._cell(letterbox, move, objects[other], side)) for other in expression.also]
        present = [row for row, expression in enumerate(chosen) if expression.target is not None]
        masked = rng.permutation(present)[: self.config.masks].astype(np.int64)
        masks = [stored.mask(chosen[row].target or 0) for row in masked]
        view = stored.view
        if self._drawn(self.config.relit, rng):  # the padding stays as it is in use
            view = view.copy()
            view[letterbox.window] = relit(view[letterbox.window], rng)
        view = np.flip(view, 1) if flip else view
        masks = [np.flip(mask, 1) for mask in masks] if flip else masks
        if move is not None:
            view, masks = move.picture(view), [move.mask(mask) for mask in masks]
        sample = {
            "view": view,
            "words": np.stack([_hidden(phrase.ids, phrase.length, self.config.unknown, rng) for phrase in encoded]),
            "lengths": np.array([phrase.length for phrase in encoded], np.int64),
            "centres": centres,
            "also": np.array(also, np.int64).reshape(-1, 3),
            "masked": masked,
            "masks": np.stack(masks) if masks else np.zeros((0, side, side), bool),
            "refined": np.arange(len(masked)) < self.config.refined,
        }
        return sample | {f"map{level}": values for level, values in enumerate(stored.maps)}

    @staticmethod
    def _drawn(share: float, rng: np.random.Generator) -> bool:
        """Whether a change is made; a share of 0 draws nothing, so that runs without it keep their samples."""
        return bool(share) and bool(rng.random() < share)

    def _cell(self, letterbox: Letterbox, move: Move | None, obj: SceneObject, side: int) -> np.ndarray:
        x, y = letterbox.points_to_input(np.array(obj.centre))
        if move is not None:
            x, y = move.point(x, y)
        return np.clip((y / side * self.grid, x / side * self.grid), 0, self.grid - 1).astype(np.int64)

    def _said(
        self, stored: StoredScene, objects: Sequence[SceneObject], rng: np.random.Generator, count: int
    ) -> Sequence[Expression]:
        """Up to `count` phrases about a scene: human ones, ones that only name, and ones generated from the geometry."""
        settings = self.config
        written = [self._paraphrased(stored.expressions[place], rng) for place in rng.permutation(len(stored.expressions))]
        if stored.made == "none":
            return written[:count]
        found = written[: rng.binomial(count, settings.written)]
        left = count - len(found)
        naming = left if stored.made == "names" else int(rng.binomial(left, settings.names if stored.made == "all" else 0.5))
        absent = stored.absent if stored.made == "present" else ()
        names = name_phrases(objects, absent, rng, naming, settings.absent)
        made: Sequence[Expression] = ()
        if stored.made != "names" and len(names) < left:
            share = settings.absent if stored.made == "all" else 0.0
            made = make_phrases(objects, stored.size, rng, left - len(names), absent=share, comparisons=settings.comparisons)
        found = [*found, *names, *made]
        found += written[len(found) : count]  # few phrases can be generated: add more human ones
        return [found[place] for place in rng.permutation(len(found))][:count]

    def _paraphrased(self, expression: Expression, rng: np.random.Generator) -> Expression:
        if not self.config.paraphrased or rng.random() >= self.config.paraphrased:
            return expression
        return replace(expression, text=paraphrase(expression.text, rng))


def collate(samples: list[dict[str, np.ndarray]]) -> Batch:
    """Join scenes into a batch."""

    def stack(name: str) -> Tensor:
        return torch.from_numpy(np.stack([sample[name] for sample in samples]))

    count = len(samples[0]["lengths"])
    maps = tuple(stack(f"map{level}").float() for level in range(3)) if "map0" in samples[0] else ()
    return Batch(
        views=stack("view"),
        maps=maps,
        words=stack("words").flatten(0, 1).long(),
        lengths=stack("lengths").flatten(),
        scenes=torch.arange(len(samples)).repeat_interleave(count),
        centres=stack("centres").flatten(0, 1),
        also=torch.from_numpy(
            np.concatenate([sample["also"] + np.array((row * count, 0, 0)) for row, sample in enumerate(samples)])
        ),
        masked=torch.from_numpy(np.concatenate([sample["masked"] + row * count for row, sample in enumerate(samples)])),
        masks=torch.from_numpy(np.concatenate([sample["masks"] for sample in samples])),
        refined=torch.from_numpy(np.flatnonzero(np.concatenate([sample["refined"] for sample in samples]))),
    )


@lru_cache(maxsize=2)
def _order(length: int, seed: int, passes: int) -> np.ndarray:
    return np.random.default_rng((seed, passes)).permutation(length)


def _mirrored(obj: SceneObject, width: int) -> SceneObject:
    x0, y0, x1, y1 = obj.box
    return replace(obj, box=(width - x1, y0, width - x0, y1), centre=(width - obj.centre[0], obj.centre[1]))


def _mirrored_phrases(expressions: Sequence[Expression]) -> tuple[Expression, ...]:
    """Phrases for the mirrored picture, without those for which it is unclear whether "right" is a side."""
    turned = ((expression, mirrored_text(expression.text)) for expression in expressions)
    return tuple(replace(expression, text=text) for expression, text in turned if text is not None)


def _hidden(ids: np.ndarray, length: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Word ids `[L]` with some of the words made unknown, so that one that is new in use does not upset the rest."""
    if not share or length < 3:
        return ids
    chosen = (rng.random(len(ids)) < share) & (np.arange(len(ids)) < length)
    return np.where(chosen, UNKNOWN_ID, ids)
