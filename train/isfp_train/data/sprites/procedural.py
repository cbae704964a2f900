"""Everyday objects drawn by code, for scenes with exact masks that need no data."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from isfp_train.data.sprites import household, vessels
from isfp_train.data.sprites.canvas import Canvas
from isfp_train.data.sprites.colours import COLOURS, paint
from isfp_train.data.sprites.sprites import Sprite

_Drawing = Callable[[Canvas, np.ndarray, np.random.Generator], None]
_ANY = COLOURS
#: kind -> (drawing, names, possible colours, whether any rotation looks natural).
_KINDS: dict[str, tuple[_Drawing, tuple[str, ...], tuple[str, ...], bool]] = {
    "ball": (household.ball, ("ball",), _ANY, True),
    "balloon": (household.balloon, ("balloon",), _ANY, False),
    "book": (household.book, ("book",), _ANY, True),
    "bottle": (vessels.bottle, ("bottle",), _ANY, False),
    "bowl": (vessels.bowl, ("bowl",), _ANY, False),
    "box": (household.box, ("box",), _ANY, False),
    "brick": (household.brick, ("brick",), ("red", "brown", "grey", "orange", "yellow", "blue", "green"), False),
    "can": (vessels.can, ("can", "tin"), _ANY, False),
    "candle": (household.candle, ("candle",), _ANY, False),
    "chair": (household.chair, ("chair",), _ANY, False),
    "cube": (household.cube, ("cube", "block"), _ANY, False),
    "cup": (vessels.glass_cup, ("cup", "beaker"), _ANY, False),
    "cushion": (household.cushion, ("cushion", "pillow"), _ANY, True),
    "hat": (household.hat, ("hat",), _ANY, False),
    "key": (household.key, ("key",), ("yellow", "grey", "orange", "red", "blue", "green", "black"), True),
    "lamp": (household.lamp, ("lamp", "table lamp"), _ANY, False),
    "mug": (vessels.mug, ("mug", "cup", "coffee mug"), _ANY, False),
    "pencil": (household.pencil, ("pencil",), _ANY, True),
    "plant": (vessels.plant, ("plant", "potted plant"), (), False),
    "plant pot": (vessels.empty_pot, ("plant pot", "flower pot", "pot"), _ANY, False),
    "plate": (vessels.plate, ("plate", "dish"), _ANY, True),
    "ring": (household.ring, ("ring",), _ANY, True),
    "star": (household.star, ("star",), _ANY, True),
    "umbrella": (household.umbrella, ("umbrella",), _ANY, False),
    "vase": (vessels.vase, ("vase",), _ANY, False),
}


class ProceduralSprites:
    """Sprites drawn by this module: everyday objects in the eleven basic colours."""

    @property
    def kinds(self) -> Sequence[str]:
        """All kinds, sorted."""
        return tuple(_KINDS)

    def sprite(self, kind: str, rng: np.random.Generator, colour: str | None = None) -> Sprite:
        """A new drawing of a kind, in `colour` if the kind can have it, else in one of its colours."""
        draw, names, colours, tilts = _KINDS[kind]
        allowed = colours or COLOURS
        word = colour if colour in allowed else allowed[int(rng.integers(len(allowed)))]
        canvas = Canvas(light=float(rng.choice([-0.7, 0.7])))
        draw(canvas, paint(word, rng).astype(np.float64), rng)
        return Sprite(canvas.picture(), names, kind, word if colours else None, tilts)


#: kind -> names, of everything that can be drawn.
KIND_NAMES: dict[str, tuple[str, ...]] = {kind: entry[1] for kind, entry in _KINDS.items()}
