"""The wordings of meanings, as data.

`{n}` is the noun with its colour ("red mug"), `{ns}` its plural; `{a}` and `{b}` are anchors with articles, and
`{as}` is the plural of the name that both anchors share. "the" may be added before a pattern, unless the pattern starts with `=`.
"""

from __future__ import annotations

#: Frames around the whole phrase.
FRAMES: tuple[str, ...] = (
    "find {x}", "show me {x}", "pick up {x}", "grab {x}", "where is {x}", "i want {x}", "segment {x}", "select {x}",
    "point to {x}", "point at {x}", "look at {x}", "get {x}", "take {x}", "give me {x}", "locate {x}", "find me {x}",
    "do you see {x}", "please find {x}", "where can i find {x}", "mark {x}", "highlight {x}", "i need {x}",
    "bring me {x}", "please grab {x}", "can you find {x}", "the thing i want is {x}", "which one is {x}",
)  # fmt: skip

#: The noun with its colour.
COLOURED: tuple[str, ...] = (
    "{c} {n}",
    "{c} {n}",
    "{c} {n}",
    "{c} {n}",
    "{n} that is {c}",
    "{n} which is {c}",
    "{c} coloured {n}",
    "{n} in {c}",
)

#: The noun with a colour that it does not have.
NEGATED: tuple[str, ...] = (
    "{n} that is not {c}",
    "{n} which is not {c}",
    "{n} not the {c} one",
    "{n} other than the {c} one",
)
NEGATED_SEVERAL: tuple[str, ...] = ("{n} that are not {c}", "{n} which are not {c}")  # fmt: skip

#: The colour of people is that of their clothes.
WEARERS = frozenset(("person",))
WORN: tuple[str, ...] = ("{n} in {c}", "{n} in {c}", "{n} wearing {c}", "{n} dressed in {c}", "{n} with {c} clothes")

PATTERNS: dict[str, tuple[str, ...]] = {
    "plain": (
        *("{n}",) * 12, "only {n}", "{n} here", "{n} in view", "{n} in this photo", "{n} in the picture",
        "{n} in the image", "{n} you can see",
    ),
    "leftmost": (
        "{n} nearest the left edge", "{n} closest to the left edge", "first {n} on the left",
        "=leftmost one of the {ns}", "{n} to the far left",
        "leftmost {n}", "{n} on the far left", "{n} furthest left", "far left {n}", "{n} furthest to the left",
        "{n} that is furthest to the left", "first {n} from the left", "{n} at the far left",
        "{n} farthest to the left",
        "=of the {ns} the leftmost one", "left most {n}", "{n} all the way to the left",
        "=the one of the {ns} that is furthest left", "{n} with no other {n} to its left",
    ),
    "rightmost": (
        "{n} nearest the right edge", "{n} closest to the right edge", "first {n} on the right",
        "=rightmost one of the {ns}", "{n} to the far right",
        "rightmost {n}", "{n} on the far right", "{n} furthest right", "far right {n}", "{n} furthest to the right",
        "{n} that is furthest to the right", "first {n} from the right", "{n} at the far right",
        "last {n} on the right",
        "=of the {ns} the rightmost one", "right most {n}", "{n} all the way to the right",
        "=the one of the {ns} that is furthest right", "{n} with no other {n} to its right",
    ),
    "topmost": (
        "topmost {n}", "highest {n}", "{n} at the very top", "uppermost {n}", "{n} furthest up",
        "first {n} from the top",
        "=of the {ns} the highest one", "{n} that is highest up", "top most {n}",
    ),
    "lowest": (
        "lowest {n}", "{n} at the very bottom", "{n} furthest down", "first {n} from the bottom", "lowermost {n}",
        "=of the {ns} the lowest one", "{n} that is lowest down", "{n} all the way at the bottom",
    ),
    "left": (
        "{n} on the left", "left {n}", "{n} on the left side", "{n} to the left", "left hand {n}", "{n} at left",
        "{n} on the left hand side", "{n} that is on the left", "{n} left", "{n} at the left",
        "{n} which is on the left", "=the one of the {ns} on the left", "on the left the {n}", "=the left one of the {ns}",
    ),
    "right": (
        "{n} on the right", "right {n}", "{n} on the right side", "{n} to the right", "right hand {n}",
        "{n} at right",
        "{n} on the right hand side", "{n} that is on the right", "{n} right", "{n} at the right",
        "{n} which is on the right", "=the one of the {ns} on the right", "on the right the {n}", "=the right one of the {ns}",
    ),
    "top": (
        "{n} at the top", "top {n}", "upper {n}", "{n} on top", "{n} up top", "{n} that is at the top",
        "{n} in the upper part", "higher {n}",
    ),
    "bottom": (
        "{n} at the bottom", "bottom {n}", "lower {n}", "{n} that is at the bottom", "{n} down at the bottom",
        "{n} in the lower part",
    ),
    "top left": (
        "{n} in the top left corner", "top left {n}", "upper left {n}", "{n} at the top left",
        "{n} in the upper left", "{n} top left",
    ),
    "top right": (
        "{n} in the top right corner", "top right {n}", "upper right {n}", "{n} at the top right",
        "{n} in the upper right", "{n} top right",
    ),
    "bottom left": (
        "{n} in the bottom left corner", "bottom left {n}", "lower left {n}", "{n} at the bottom left",
        "{n} in the lower left", "{n} bottom left",
    ),
    "bottom right": (
        "{n} in the bottom right corner", "bottom right {n}", "lower right {n}", "{n} at the bottom right",
        "{n} in the lower right", "{n} bottom right",
    ),
    "middle": (
        "{n} between the other two", "{n} in between the other two", "=the one between the other two {ns}",
        "{n} with one on each side", "=the middle of the three {ns}", "{n} in the middle of the three",
        "{n} that is between the other two", "{n} that has one on each side", "=the middle one of the three {ns}",
        "=of the {ns} the one in the middle",
        "middle {n}", "{n} in the middle", "=of the three {ns} the middle one", "centre {n}",
        "{n} that is in the middle", "=the middle one of the {ns}",
    ),
    "front": (
        "{n} closest to the camera", "{n} nearest the camera", "{n} closest to us", "{n} nearest to us", "{n} closest to me",
        "=closest of the {ns} to the camera", "{n} in front of the others", "{n} that is closest to the camera",
    ),
    "back": (
        "{n} farthest from the camera", "{n} furthest from us", "{n} furthest back", "{n} farthest away", "{n} behind the others",
        "=the one of the {ns} that is furthest away", "{n} that is furthest back", "{n} furthest away from us",
    ),
    "left of two": (
        "=left one of the two {ns}", "=the left of the two {ns}", "=of the two {ns} the one on the left",
        "=the one of the two {ns} on the left", "{n} that is further left",
    ),
    "right of two": (
        "=right one of the two {ns}", "=the right of the two {ns}", "=of the two {ns} the one on the right",
        "=the one of the two {ns} on the right", "{n} that is further right",
    ),
    "centre": (
        "{n} in the centre", "{n} in the middle of the picture", "{n} at the centre",
        "{n} in the centre of the image", "central {n}",
    ),
    "biggest": (
        "{n} that is bigger than the others", "=the big one of the {ns}", "{n} of the largest size",
        "biggest {n}", "largest {n}", "{n} that is the biggest", "=of the {ns} the biggest one",
        "=the biggest of the {ns}", "biggest of all {ns}", "=the one of the {ns} that is largest", "{n} which is the largest",
    ),
    "smallest": (
        "{n} that is smaller than the others", "=the small one of the {ns}", "{n} of the smallest size",
        "smallest {n}", "littlest {n}", "{n} that is the smallest", "=of the {ns} the smallest one",
        "=the smallest of the {ns}", "=the one of the {ns} that is smallest", "{n} which is the smallest",
    ),
    "bigger": (
        "bigger {n}", "larger {n}", "=the bigger one of the {ns}", "=the larger of the two {ns}",
        "{n} that is bigger",
    ),
    "smaller": ("smaller {n}", "=the smaller one of the {ns}", "=the smaller of the two {ns}", "{n} that is smaller"),
    "big": ("big {n}", "large {n}", "{n} that is big", "big {n} not the small one"),
    "small": ("small {n}", "little {n}", "{n} that is small", "{n} which is small"),
    "huge": ("huge {n}", "very big {n}", "giant {n}", "really large {n}"),
    "tiny": ("tiny {n}", "very small {n}", "really small {n}", "tiny little {n}"),
    "tallest": ("tallest {n}", "{n} that is the tallest", "=the tallest of the {ns}"),
    "shortest": ("shortest {n}", "{n} that is the shortest", "=the shortest of the {ns}"),
    "widest": ("widest {n}", "{n} that is the widest"),
    "order": (
        "{o} {n} in from the {side}", "{n} number {k} from the {side}", "=from the {side} the {o} {n}",
        "=the {o} of the {ns} from the {side}", "{o} {n} as counted from the {side}",
        "{o} {n} from the {side}", "{o} {n} from {side}", "{n} that is {o} from the {side}",
        "{o} from the {side} {n}",
        "=the one of the {ns} that is {o} from the {side}", "=number {k} from the {side} of the {ns}",
        "=the {o} one from the {side} of the {ns}", "{n} that comes {o} from the {side}",
        "=number {k} {n} from the {side}", "{o} {n} counting from the {side}", "{n} {o} from the {side}",
    ),
    "rank": (
        "{o} {side} {n}", "{n} that is {o} {side}", "=the {o} {side} of the {ns}",
        "=of the {ns} the {o} {side} one",
    ),
    "left of": (
        "{n} sitting left of {a}", "{n} standing to the left of {a}", "{n} at the left of {a}", "{n} lying to the left of {a}",
        "{n} left of {a}", "{n} to the left of {a}", "{n} on the left of {a}", "{n} that is left of {a}",
        "{n} on the left side of {a}", "{n} which is to the left of {a}",
    ),
    "right of": (
        "{n} sitting right of {a}", "{n} standing to the right of {a}", "{n} at the right of {a}", "{n} lying to the right of {a}",
        "{n} right of {a}", "{n} to the right of {a}", "{n} on the right of {a}", "{n} that is right of {a}",
        "{n} on the right side of {a}", "{n} which is to the right of {a}",
    ),
    "above": (
        "{n} up above {a}", "{n} that is higher than {a}",
        "{n} above {a}", "{n} over {a}", "{n} higher than {a}", "{n} that is above {a}", "{n} which is above {a}",
    ),
    "below": (
        "{n} down below {a}", "{n} that is lower than {a}",
        "{n} below {a}", "{n} under {a}", "{n} beneath {a}", "{n} that is below {a}", "{n} lower than {a}",
        "{n} underneath {a}",
    ),
    "nearest": (
        "{n} that is near {a}", "{n} which is nearest {a}", "{n} nearest {a}", "{n} sitting next to {a}",
        "{n} standing near {a}", "{n} that is next to {a}", "closest {n} to {a}", "{n} lying by {a}",
        "{n} nearest to {a}", "{n} closest to {a}", "{n} next to {a}", "{n} near {a}", "{n} beside {a}", "{n} by {a}",
        "{n} that is right beside {a}", "{n} over by {a}", "{n} that is close to {a}", "=the one of the {ns} next to {a}",
        "=the one of the {ns} nearest {a}", "{n} lying next to {a}", "{n} alongside {a}", "{n} that is beside {a}",
        "=of the {ns} the one by {a}", "{n} nearby {a}",
        "{n} that is closest to {a}", "nearest {n} to {a}", "{n} close to {a}", "{n} right next to {a}",
    ),
    "farthest": (
        "{n} farthest from {a}", "{n} furthest from {a}", "{n} furthest away from {a}", "{n} far from {a}",
        "{n} that is farthest from {a}", "=farthest {n} from {a}", "=the one of the {ns} furthest from {a}",
        "{n} that is furthest away from {a}", "{n} a long way from {a}",
    ),
    "between pair": (
        "{n} between the two {as}", "{n} in between the two {as}", "{n} between both {as}", "{n} with {as} on both sides",
        "{n} that is between the two {as}", "{n} between the {as}",
    ),
    "next left": (
        "{n} directly left of {a}", "{n} just left of {a}", "{n} immediately to the left of {a}",
        "{n} directly to the left of {a}", "first {n} to the left of {a}", "next {n} to the left of {a}",
        "{n} that is just left of {a}", "=the one of the {ns} just left of {a}",
    ),
    "next right": (
        "{n} directly right of {a}", "{n} just right of {a}", "{n} immediately to the right of {a}",
        "{n} directly to the right of {a}", "first {n} to the right of {a}", "next {n} to the right of {a}",
        "{n} that is just right of {a}", "=the one of the {ns} just right of {a}",
    ),
    "between": (
        "{n} sitting between {a} and {b}", "{n} which is between {a} and {b}", "{n} with {a} on one side and {b} on the other",
        "{n} between {a} and {b}", "{n} in between {a} and {b}", "{n} that is between {a} and {b}",
        "{n} standing between {a} and {b}",
    ),
}  # fmt: skip

#: A second direction after the first: "the ball left of the mug and above the key".
SECOND: dict[str, tuple[str, ...]] = {
    "left of": ("and left of {b}", "and to the left of {b}"), "right of": ("and right of {b}", "and to the right of {b}"),
    "above": ("and above {b}", "and higher than {b}"), "below": ("and below {b}", "and under {b}"),
}  # fmt: skip

#: Never used in training: they test whether new wordings are understood.
HELD_OUT_FRAMES: tuple[str, ...] = ("could you hand me {x}", "i am looking for {x}", "would you pass me {x}")
HELD_OUT: dict[str, tuple[str, ...]] = {
    "leftmost": ("{n} at the extreme left", "{n} on the left end"),
    "rightmost": ("{n} at the extreme right", "{n} on the right end"),
    "left": ("{n} over on the left",),
    "right": ("{n} over on the right",),
    "biggest": ("{n} larger than all the others",),
    "smallest": ("{n} smaller than all the others",),
    "order": ("{n} in {o} place from the {side}",),
    "left of": ("{n} located left of {a}", "{n} with {a} on its right"),
    "right of": ("{n} located right of {a}", "{n} with {a} on its left"),
    "nearest": ("{n} adjacent to {a}",),
    "above": ("{n} located above {a}",),
    "below": ("{n} located below {a}",),
    "between": ("{n} with {a} and {b} on either side",),
    "between pair": ("{n} flanked by the two {as}",),
    "middle": ("{n} flanked by the other two",),
    "farthest": ("{n} most distant from {a}",),
    "next left": ("{n} neighbouring {a} on its left",),
    "next right": ("{n} neighbouring {a} on its right",),
    "front": ("{n} nearest to the viewer",),
    "back": ("{n} most distant from the viewer",),
}

#: Adjectives before the noun of an anchor.
ADJECTIVES: dict[str, tuple[str, ...]] = {
    "leftmost": ("leftmost",), "rightmost": ("rightmost",), "topmost": ("topmost", "highest"), "lowest": ("lowest",),
    "biggest": ("biggest", "largest"), "smallest": ("smallest",),
}  # fmt: skip
#: Meanings in which "that" can replace "the".
POINTED_AT = frozenset(("plain", "left", "right", "top", "bottom", "left of", "right of", "nearest", "between"))

ORDINALS: tuple[tuple[str, ...], ...] = (
    ("first", "1st"),
    ("second", "2nd"),
    ("third", "3rd"),
    ("fourth", "4th"),
    ("fifth", "5th"),
)
NUMBERS: tuple[str, ...] = ("one", "two", "three", "four", "five")
#: Alternative spellings; both are used.
SPELLINGS: dict[str, str] = {"grey": "gray", "coloured": "colored", "centre": "center"}
#: Other words for "object".
ANYTHINGS: tuple[str, ...] = ("object", "thing", "item")
PLURALS: dict[str, str] = {
    "tomato": "tomatoes", "potato": "potatoes", "mango": "mangoes",
    "person": "people", "knife": "knives", "mouse": "mice", "sheep": "sheep", "fish": "fish", "loaf": "loaves",
    "goose": "geese", "scissors": "scissors", "skis": "skis", "glasses": "glasses", "fries": "fries", "bus": "buses",
    "deer": "deer", "moose": "moose", "wolf": "wolves", "die": "dice", "dice": "dice", "ox": "oxen", "bison": "bison",
    "octopus": "octopuses", "shrimp": "shrimps", "squid": "squids", "cactus": "cactuses", "leaf": "leaves",
    "scarf": "scarves",
}  # fmt: skip


_ALWAYS_PLURAL = frozenset(
    ("scissors", "skis", "glasses", "sunglasses", "goggles", "gloves", "socks", "shorts", "jeans", "trousers",
     "pants",
     "underpants", "briefs", "fries", "chips", "beans", "peas", "peanuts", "grapes", "cherries", "blueberries",
     "chopsticks",
     "banknotes", "bills", "beads", "scales", "tools", "books", "lights", "beers", "mugs", "shoes", "slippers",
     "bags",
     "pancakes", "maracas", "dolls", "prints", "swords", "spectacles", "eyeglasses", "pins", "flowers", "keys")
)  # fmt: skip

_UNCOUNTED = frozenset(
    ("popcorn", "garlic", "broccoli", "cutlery", "luggage", "money", "bacon", "corn", "cheese", "butter", "milk",
     "lettuce", "cabbage", "bread", "honey", "ginger", "coral", "beer", "soap", "salt", "meat", "pudding",
     "custard", "chocolate")
)  # fmt: skip


def is_plural(name: str) -> bool:
    """Whether the name of a single object is a plural: "scissors"."""
    return name.split()[-1] in _ALWAYS_PLURAL


def plural(name: str) -> str:
    """The plural of a name, formed from its last word."""
    *before, last = name.split()
    if len(before) > 1 and before[1] == "of":
        return " ".join((plural(before[0]), *before[1:], last))
    if is_plural(name) or last in _UNCOUNTED or last.endswith("fish"):
        return name
    if last in PLURALS:
        last = PLURALS[last]
    elif last.endswith(("ch", "sh", "x", "s")):
        last += "" if last.endswith("s") and not last.endswith("ss") else "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    else:
        last += "s"
    return " ".join((*before, last))
