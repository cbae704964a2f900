"""Proofs that a meaning fits exactly one object of a scene, or none, with margins that leave people no doubt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from isfp_train.data.phrases.meaning import CORNERS, DEPTHS, DIRECTIONS, EXTREMES, SIDES, Meaning
from isfp_train.data.scene import ANYTHING, SceneObject
from isfp_train.data.sprites.colours import COLOURS, confusable
from isfp_train.data.sprites.names import TELLING, kinds_called, may_be_called, shares_a_word

NO, MAYBE, YES = 0, 1, 2
#: Results of `prove` other than an index.
NOTHING, DOUBT = -1, -2

#: Margins, as shares of the frame's side unless stated otherwise.
GAP = 0.055
SIDE_GAP = 0.15
SIZE_RATIO = 1.5
LENGTH_RATIO = 1.15


def prove(meaning: Meaning, objects: Sequence[SceneObject], size: tuple[int, int]) -> int:
    """Return the index of the one object that `meaning` describes, `NOTHING` if certainly none fits, else `DOUBT`.

    Args:
        meaning: meaning of the phrase.
        objects: all objects of the scene.
        size: height and width of the scene in pixels.
    """
    anchors = []
    for anchor in meaning.anchors:
        index = prove(anchor, objects, size)
        if index == NOTHING:
            return NOTHING  # "the mug by the zebra" names nothing where there is no zebra
        if index < 0 or not objects[index].nameable:
            return DOUBT
        anchors.append(index)
    if meaning.relation == "between pair" and sum(_described(meaning.anchors[0], obj) != NO for obj in objects) != 2:
        return DOUBT
    status = [_described(meaning, obj) for obj in objects]
    for index in anchors:
        status[index] = NO
    if meaning.relation in (*DIRECTIONS, "between", "between pair"):
        _keep_related(status, meaning.relation, objects, [objects[a] for a in anchors], size)
    if meaning.second is not None:
        relation, anchor = meaning.second
        index = prove(anchor, objects, size)
        if index == NOTHING:
            return NOTHING
        if index < 0 or not objects[index].nameable:
            return DOUBT
        status[index] = NO
        _keep_related(status, relation, objects, [objects[index]], size)
    sure = [i for i, state in enumerate(status) if state == YES]
    open_ = [i for i, state in enumerate(status) if state == MAYBE]
    if not sure and not open_:
        return NOTHING
    if meaning.relation in ("nearest", "farthest", "next left", "next right"):
        best = _by_distance(meaning.relation, objects, sure, open_, objects[anchors[0]], size)
        if best < 0 or (meaning.place, meaning.size, meaning.order) == (None, None, None):
            return best
        return DOUBT
    if meaning.order is not None:
        return _ordered(meaning.order, objects, sure, open_, size)
    if meaning.size is not None:
        return _sized(meaning.size, objects, sure, open_)
    if meaning.place is not None:
        return _placed(meaning.place, objects, sure, open_, size)
    return sure[0] if len(sure) == 1 and not open_ else DOUBT


def _keep_related(
    status: list[int], relation: str, objects: Sequence[SceneObject], anchors: Sequence[SceneObject], size: tuple[int, int]
) -> None:
    """Lower the status of each object, in place, to whether the relation holds for it."""
    for i, state in enumerate(status):
        if state:
            status[i] = min(state, _related(relation, objects[i], anchors, size))


def _described(meaning: Meaning, obj: SceneObject) -> int:
    """Whether noun and colour fit an object: YES, MAYBE or NO."""
    state = called(meaning.noun, obj)
    if state and meaning.excluded is not None:
        if obj.colour == meaning.excluded:
            return NO
        if obj.colour is None or confusable(obj.colour, meaning.excluded):
            return MAYBE
    if state and meaning.colour is not None:
        if obj.colour is None:
            return MAYBE
        if obj.colour != meaning.colour:
            return MAYBE if confusable(obj.colour, meaning.colour) else NO
    return state


def called(noun: str, obj: SceneObject) -> int:
    """Whether people would use this name for an object: YES, MAYBE or NO."""
    if noun in COLOURS and obj.colour is not None and noun not in obj.names and confusable(noun, obj.colour):
        return MAYBE  # "the orange" may be the orange ball
    return _may_call(noun, obj.names, obj.kind)


@lru_cache(maxsize=1 << 16)
def _may_call(noun: str, names: tuple[str, ...], own: str) -> int:
    if noun == ANYTHING:
        return YES if ANYTHING in names else MAYBE
    if noun in names:
        return YES
    for kind in kinds_called(noun):
        if kind == own and noun in TELLING:
            continue
        if may_be_called(own, kind):
            return MAYBE
    if noun in TELLING:
        return NO
    return MAYBE if any(shares_a_word(noun, name) for name in names) else NO


def _related(relation: str, obj: SceneObject, anchors: Sequence[SceneObject], size: tuple[int, int]) -> int:
    """Whether a relation to the anchors holds for an object."""
    if relation in ("between", "between pair"):
        return _between(obj, anchors[0], anchors[1], size)
    (anchor,) = anchors
    along = 0 if relation in ("left of", "right of") else 1
    sign = 1 if relation in ("left of", "above") else -1
    side = size[1 - along]
    ahead = sign * (anchor.centre[along] - obj.centre[along])
    aside = abs(anchor.centre[1 - along] - obj.centre[1 - along])
    near = anchor.box[along] if sign > 0 else anchor.box[along + 2]
    far = obj.box[along + 2] if sign > 0 else obj.box[along]
    clear = sign * (near - obj.centre[along]) > 0 and sign * (anchor.centre[along] - far) > 0
    if ahead > GAP * side and clear and aside < 0.8 * ahead:
        return YES
    if ahead < -0.02 * side or (ahead < 0.12 * side and aside > 3 * max(ahead, 0.0) and aside > 0.2 * size[along]):
        return NO
    return MAYBE


def _between(obj: SceneObject, one: SceneObject, other: SceneObject, size: tuple[int, int]) -> int:
    ax, ay, bx, by = *one.centre, *other.centre
    length2 = (bx - ax) ** 2 + (by - ay) ** 2
    if length2 < (0.25 * max(size)) ** 2:
        return MAYBE
    t = ((obj.centre[0] - ax) * (bx - ax) + (obj.centre[1] - ay) * (by - ay)) / length2
    off = abs((obj.centre[0] - ax) * (by - ay) - (obj.centre[1] - ay) * (bx - ax)) / length2
    if 0.22 < t < 0.78 and off < 0.18:
        return YES
    return NO if t < -0.05 or t > 1.05 or off > 0.5 else MAYBE


def _distance(one: SceneObject, other: SceneObject) -> float:
    """Pixels between the boxes; 0 if they touch."""
    dx = max(one.box[0] - other.box[2], other.box[0] - one.box[2], 0.0)
    dy = max(one.box[1] - other.box[3], other.box[1] - one.box[3], 0.0)
    return (dx * dx + dy * dy) ** 0.5


def _centre_distance(one: SceneObject, other: SceneObject) -> float:
    return ((one.centre[0] - other.centre[0]) ** 2 + (one.centre[1] - other.centre[1]) ** 2) ** 0.5


def _by_distance(
    relation: str, objects: Sequence[SceneObject], sure: list[int], open_: list[int], anchor: SceneObject, size: tuple[int, int]
) -> int:
    """Nearest and farthest, by the gap as well as by the centres; "next left" is the nearest object on the left."""
    if relation in ("next left", "next right"):
        towards = "left of" if relation == "next left" else "right of"
        states = {i: _related(towards, objects[i], [anchor], size) for i in (*sure, *open_)}
        if not any(states.values()):
            return NOTHING
        open_ = [i for i, state in states.items() if state == MAYBE or (state and i in open_)]
        sure = [i for i in sure if states[i] == YES]
    if not sure or (relation == "farthest" and len(sure) < 2):
        return DOUBT
    sign = -1.0 if relation == "farthest" else 1.0
    best = min(sure, key=lambda i: sign * _centre_distance(objects[i], anchor))
    gap, reach = _distance(objects[best], anchor), _centre_distance(objects[best], anchor)
    margin = 0.08 * max(size)
    for i in (*sure, *open_):
        if i == best:
            continue
        more = sign * (_distance(objects[i], anchor) - gap), sign * (_centre_distance(objects[i], anchor) - reach)
        if min(more) < margin or (relation != "farthest" and _centre_distance(objects[i], anchor) < 1.35 * reach):
            return DOUBT
    if relation == "nearest" and gap > 0.22 * max(size):
        return DOUBT
    return best


def _ordered(
    order: tuple[int, str], objects: Sequence[SceneObject], sure: list[int], open_: list[int], size: tuple[int, int]
) -> int:
    """The k-th from a side, if the objects clearly follow one another."""
    k, side = order
    if open_ or not all(objects[i].nameable for i in sure):
        return DOUBT
    if len(sure) < k:
        return NOTHING
    if len(sure) < 2:
        return DOUBT
    if side in ("biggest", "smallest"):
        return DOUBT if k == 1 or len(sure) < 3 else _ranked(k, side, objects, sure)
    along = 0 if side in ("left", "right") else 1
    line = sorted(sure, key=lambda i: objects[i].centre[along])
    spread = [abs(objects[line[-1]].centre[a] - objects[line[0]].centre[a]) / size[1 - a] for a in (along, 1 - along)]
    across = [objects[i].centre[1 - along] / size[along] for i in line]
    if spread[0] < 1.3 * (max(across) - min(across)):
        return DOUBT
    for one, other in pairwise(line):
        if not _before(objects[one], objects[other], along, GAP * size[1 - along]):
            return DOUBT
    return line[k - 1] if side in ("left", "top") else line[-k]


def _ranked(k: int, word: str, objects: Sequence[SceneObject], sure: list[int]) -> int:
    """The k-th by size, if no two are of similar size."""
    line = sorted(sure, key=lambda i: objects[i].area)
    for one, other in pairwise(line):
        if _sized("biggest", objects, [one, other], []) != other:
            return DOUBT
    return line[-k] if word == "biggest" else line[k - 1]


def _before(one: SceneObject, other: SceneObject, along: int, gap: float) -> bool:
    """Whether `one` comes first along an axis, by its centre and both its edges."""
    return (
        other.centre[along] - one.centre[along] >= gap
        and other.box[along] - one.box[along] > 0.3 * gap
        and other.box[along + 2] - one.box[along + 2] > 0.3 * gap
    )


def _sized(word: str, objects: Sequence[SceneObject], sure: list[int], open_: list[int]) -> int:
    """The one that is bigger (or smaller, taller, …) than all others, by area and by length."""
    if len(sure) < 2:
        return DOUBT

    def height(i: int) -> float:
        return objects[i].box[3] - objects[i].box[1]

    def width(i: int) -> float:
        return objects[i].box[2] - objects[i].box[0]

    def length(i: int) -> float:
        return (height(i) ** 2 + width(i) ** 2) ** 0.5

    def area(i: int) -> float:
        return objects[i].area

    if word in ("tallest", "shortest"):
        measures = [(height, 1.3)]
    elif word == "widest":
        measures = [(width, 1.3)]
    else:
        factor = {"big": 1.3, "small": 1.3, "huge": 2.0, "tiny": 2.0}.get(word, 1.0)
        measures = [(area, SIZE_RATIO * factor), (length, LENGTH_RATIO * factor**0.5)]
    up = word in ("biggest", "big", "huge", "tallest", "widest")
    best = (max if up else min)(sure, key=measures[0][0])
    for i in (*sure, *open_):
        if i != best and any((m(best) < r * m(i)) if up else (m(best) * r > m(i)) for m, r in measures):
            return DOUBT
    return best


def _placed(place: str, objects: Sequence[SceneObject], sure: list[int], open_: list[int], size: tuple[int, int]) -> int:
    everyone = [*sure, *open_]
    if place in EXTREMES or place in SIDES:
        return _at_side(place, objects, sure, everyone, size)
    if place in DEPTHS:
        # Without depth, only what is both lower and bigger than the others is surely closer.
        edge, length = ("lowest", "biggest") if place == "front" else ("topmost", "smallest")
        best = _at_side(edge, objects, sure, everyone, size)
        return best if best == _sized(length, objects, sure, open_) else DOUBT
    if place in CORNERS:
        vertical, horizontal = place.split()
        states = {i: _in_corner(objects[i], vertical, horizontal, size) for i in everyone}
    elif place == "centre":
        states = {i: _in_centre(objects[i], size) for i in everyone}
    else:
        return _middle(objects, sure, open_, size)
    if not any(states.values()):
        return NOTHING
    fitting = [i for i in sure if states[i] == YES]
    doubtful = [i for i in everyone if states[i] == MAYBE or (states[i] and i in open_)]
    return fitting[0] if len(fitting) == 1 and not doubtful else DOUBT


def _at_side(place: str, objects: Sequence[SceneObject], sure: list[int], everyone: list[int], size: tuple[int, int]) -> int:
    """Leftmost and so on; "on the left" also requires that the object is on that side and all others clearly are not."""
    if not sure:
        return DOUBT
    side = {"leftmost": "left", "rightmost": "right", "topmost": "top", "lowest": "bottom"}.get(place, place)
    along = 0 if side in ("left", "right") else 1
    first = side in ("left", "top")
    extent = size[1 - along]
    best = (min if first else max)(sure, key=lambda i: objects[i].centre[along])
    others = [i for i in everyone if i != best]
    for i in others:
        pair = (objects[best], objects[i]) if first else (objects[i], objects[best])
        if not _before(*pair, along, (GAP if place in EXTREMES else SIDE_GAP) * extent):
            return DOUBT
    if place in EXTREMES:
        return best if others else DOUBT
    if len(everyone) == 2 and len(sure) == 2:
        return best
    where = objects[best].centre[along] / extent
    rest = [objects[i].centre[along] / extent for i in others]
    if not first:
        where, rest = 1 - where, [1 - r for r in rest]
    return best if where < 0.38 and all(r > 0.5 and r - where > 0.22 for r in rest) else DOUBT


def _in_corner(obj: SceneObject, vertical: str, horizontal: str, size: tuple[int, int]) -> int:
    y, x = obj.centre[1] / size[0], obj.centre[0] / size[1]
    y, x = (y if vertical == "top" else 1 - y), (x if horizontal == "left" else 1 - x)
    if x < 0.34 and y < 0.34:
        return YES
    return NO if x > 0.52 or y > 0.52 else MAYBE


def _in_centre(obj: SceneObject, size: tuple[int, int]) -> int:
    off = max(abs(obj.centre[0] / size[1] - 0.5), abs(obj.centre[1] / size[0] - 0.5))
    return YES if off < 0.11 else (NO if off > 0.27 else MAYBE)


def _middle(objects: Sequence[SceneObject], sure: list[int], open_: list[int], size: tuple[int, int]) -> int:
    """The middle one of three objects in a line."""
    if open_ or len(sure) != 3 or not all(objects[i].nameable for i in sure):
        return DOUBT
    across = _ordered((2, "left"), objects, sure, [], size)
    down = _ordered((2, "top"), objects, sure, [], size)
    if across >= 0 and down >= 0 and across != down:
        return DOUBT
    return across if across >= 0 else down
