"""A second opinion on phrases: it measures the masks itself and uses none of the generator's proofs."""

from __future__ import annotations

import numpy as np

from isfp_train.data.phrases.meaning import Meaning
from isfp_train.data.scene import ANYTHING, Scene, SceneObject


def centre(obj: SceneObject) -> tuple[float, float]:
    ys, xs = np.nonzero(obj.mask)
    return float(xs.mean()), float(ys.mean())


def edges(obj: SceneObject) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(obj.mask)
    return int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())


def might_be(meaning: Meaning, obj: SceneObject) -> bool:
    """Whether noun and colour may fit, an unknown colour included."""
    noun = meaning.noun == ANYTHING or meaning.noun in obj.names
    if meaning.excluded is not None and obj.colour == meaning.excluded:
        return False
    return noun and (meaning.colour is None or obj.colour in (None, meaning.colour))


def surely_is(meaning: Meaning, obj: SceneObject) -> bool:
    noun = ANYTHING in obj.names if meaning.noun == ANYTHING else meaning.noun in obj.names
    if meaning.excluded is not None and obj.colour in (None, meaning.excluded):
        return False
    return noun and (meaning.colour is None or obj.colour == meaning.colour)


def pixels_between(one: SceneObject, other: SceneObject) -> float:
    a, b = edges(one), edges(other)
    dx = max(a[0] - b[2], b[0] - a[2], 0)
    dy = max(a[1] - b[3], b[1] - a[3], 0)
    return float(np.hypot(dx, dy))


def ahead(relation: str, obj: SceneObject, anchor: SceneObject) -> float:
    """How far an object lies on the side of the anchor that the relation names."""
    (x, y), (ax, ay) = centre(obj), centre(anchor)
    return {"left of": ax - x, "right of": x - ax, "above": ay - y, "below": y - ay}[relation]


def candidates(meaning: Meaning, scene: Scene) -> list[int]:
    """Everything that noun, colour and relation leave possible."""
    objects = scene.objects
    possible = [i for i, obj in enumerate(objects) if might_be(meaning, obj)]
    if meaning.relation is None:
        return possible
    if any(not fits(anchor, scene) for anchor in meaning.anchors):
        return []
    if meaning.relation == "between pair":
        assert sum(might_be(meaning.anchors[0], obj) for obj in objects) == 2, meaning
    anchors = [the_one(anchor, scene) for anchor in meaning.anchors]
    possible = [i for i in possible if i not in anchors]
    if meaning.second is not None:
        other = the_one(meaning.second[1], scene)
        possible = [i for i in possible if i != other and on_side(meaning.second[0], objects[i], objects[other], scene)]
    first = objects[anchors[0]]
    relation = meaning.relation
    if relation in ("next left", "next right"):
        side = "left of" if relation == "next left" else "right of"
        possible = [i for i in possible if on_side(side, objects[i], first, scene)]
    if relation in ("nearest", "next left", "next right", "farthest"):
        pick = max if relation == "farthest" else min
        return [pick(possible, key=lambda i: np.hypot(*np.subtract(centre(objects[i]), centre(first))))] if possible else []
    if relation in ("between", "between pair"):
        a, b = np.array(centre(first)), np.array(centre(objects[anchors[1]]))
        inside = []
        for i in possible:
            p = np.array(centre(objects[i]))
            along = float((p - a) @ (b - a) / ((b - a) @ (b - a)))
            off = float(np.linalg.norm(p - a - along * (b - a)) / np.linalg.norm(b - a))
            if 0.1 < along < 0.9 and off < 0.35:
                inside.append(i)
        return inside
    return [i for i in possible if on_side(relation, objects[i], first, scene)]


def on_side(relation: str, obj: SceneObject, anchor: SceneObject, scene: Scene) -> bool:
    """Whether an object lies ahead in a direction, and not so far beside it that nobody would name that direction."""
    if ahead(relation, obj, anchor) <= 0:
        return False
    (x, y), (ax, ay) = centre(obj), centre(anchor)
    height, width = scene.image.shape[:2]
    along, across = (abs(ax - x) / width, abs(ay - y) / height)
    if relation in ("above", "below"):
        along, across = across, along
    return not (along < 0.13 and across > 1.5 * along)


def the_one(meaning: Meaning, scene: Scene) -> int:
    """The one object that fits; fails where it is not one."""
    fitting = fits(meaning, scene)
    assert len(fitting) == 1, (meaning, fitting)
    return fitting[0]


def fits(meaning: Meaning, scene: Scene) -> list[int]:
    """All objects that the meaning may mean, taken at its word, without margins."""
    objects = scene.objects
    among = candidates(meaning, scene)
    if not among:
        return []
    if meaning.order is not None:
        return ordered(meaning.order, among, objects)
    if meaning.size is not None:
        return sized(meaning.size, among, objects)
    if meaning.place is not None:
        return placed(meaning.place, among, scene)
    return among


def ordered(order: tuple[int, str], among: list[int], objects: tuple[SceneObject, ...]) -> list[int]:
    k, side = order
    keys = {
        "left": lambda i: centre(objects[i])[0],
        "right": lambda i: -centre(objects[i])[0],
        "top": lambda i: centre(objects[i])[1],
        "bottom": lambda i: -centre(objects[i])[1],
        "biggest": lambda i: -int(objects[i].mask.sum()),
        "smallest": lambda i: int(objects[i].mask.sum()),
    }
    line = sorted(among, key=keys[side])
    return [line[k - 1]] if k <= len(line) else []


def sized(word: str, among: list[int], objects: tuple[SceneObject, ...]) -> list[int]:
    """By area, and by length where the word allows; both must agree, else both are returned."""
    area = {i: float(objects[i].mask.sum()) for i in among}
    box = {i: edges(objects[i]) for i in among}
    tall = {i: box[i][3] - box[i][1] for i in among}
    wide = {i: box[i][2] - box[i][0] for i in among}
    long = {i: float(np.hypot(tall[i], wide[i])) for i in among}
    if word in ("tallest", "shortest"):
        measures = [tall]
    elif word == "widest":
        measures = [wide]
    else:
        measures = [area, long]
    pick = min if word in ("smallest", "small", "tiny", "shortest") else max
    return sorted({pick(among, key=measure.__getitem__) for measure in measures})


def placed(place: str, among: list[int], scene: Scene) -> list[int]:
    objects, (height, width) = scene.objects, scene.image.shape[:2]
    x = {i: centre(objects[i])[0] for i in among}
    y = {i: centre(objects[i])[1] for i in among}
    if place in ("leftmost", "left"):
        return sorted({min(among, key=x.__getitem__), min(among, key=lambda i: edges(objects[i])[0])})
    if place in ("rightmost", "right"):
        return sorted({max(among, key=x.__getitem__), max(among, key=lambda i: edges(objects[i])[2])})
    if place in ("topmost", "top"):
        return sorted({min(among, key=y.__getitem__), min(among, key=lambda i: edges(objects[i])[1])})
    if place in ("lowest", "bottom"):
        return sorted({max(among, key=y.__getitem__), max(among, key=lambda i: edges(objects[i])[3])})
    if place in ("front", "back"):
        pick, area = (max if place == "front" else min), {i: float(objects[i].mask.sum()) for i in among}
        return sorted({pick(among, key=y.__getitem__), pick(among, key=area.__getitem__)})
    if place == "centre":
        return [i for i in among if abs(x[i] / width - 0.5) < 0.2 and abs(y[i] / height - 0.5) < 0.2]
    if place == "middle":
        assert len(among) == 3
        spread_x = (max(x.values()) - min(x.values())) / width
        spread_y = (max(y.values()) - min(y.values())) / height
        key = x if spread_x > spread_y else y
        return [sorted(among, key=key.__getitem__)[1]]
    vertical, horizontal = place.split()
    return [
        i
        for i in among
        if (y[i] < 0.45 * height if vertical == "top" else y[i] > 0.55 * height)
        and (x[i] < 0.45 * width if horizontal == "left" else x[i] > 0.55 * width)
    ]
