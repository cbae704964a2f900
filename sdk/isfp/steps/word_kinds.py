"""Which words can name an object, and which tell one object from others: colours, sizes, places, order and looks (ours).

A phrase with neither gives the network nothing to look for, so that its score means nothing. "The red mug" names its object.
"Wearing red" and "second from the left" only tell which: this suffices if every word is known. In "the red zork", the unknown word
may be the noun.
"""

from __future__ import annotations

from collections.abc import Sequence

_FUNCTION = """
    a an the this that these those some any each every either neither both all half few several many much more most other
    others another no not none nobody nothing anything something everything nor and or but if so than then as also too very
    quite rather just only even still yet again
    of to in on at by for from with without within into onto upon about against between among amid through during before
    after along across around over under above below behind beside besides beyond near off out up down inside outside toward
    towards until while because since i me my mine myself you your yours yourself he him his himself she her hers herself it
    its itself we us our ours they them their theirs who whom whose which what where when why how there here am is are was
    were be been being do does did doing done have has had having will would shall should could may might must please thanks
    thank hello hi ok okay yes find show get take give bring fetch grab pick point look see locate search select segment
    want need like know tell let make go come put got took gave brought seen looking wanted s t d ll m re ve don didn doesn
    isn aren wasn weren won wouldn couldn shouldn oh ah uh um er hey yeah yep nope wow huh say said says saying think believe
    understand remember forget become became seem seems seemed happen happened exist eat ate speak ask asked went goes going gone
    getting makes making made used using try tried trying keep kept leave stay live die hope hate feel felt hear heard read write
    wrote learn teach follow buy sell pay send sent sit begin began continue know knows knew known thought holding wearing carrying
    always never ever maybe perhaps soon later now today tomorrow yesterday already almost often sometimes however therefore
    although though unless whether else instead together apart away thus hence everywhere somewhere nowhere anywhere whom whose via
    per except despite good better best bad worse worst nice beautiful ugly lovely easy hard true false possible important
    happy sad angry real sure same different such own able ready
"""
_NUMBERS = """
    zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million once twice single double pair dozen
    next previous
"""
_ORDER = """
    first second third fourth fifth sixth seventh eighth ninth tenth last 1st 2nd 3rd 4th 5th 6th 7th 8th 9th 10th
"""
#: Without orange, rose, peach, gold, light and others that are also objects or materials.
_COLOURS = """
    red green blue yellow purple violet pink brown black white grey gray cyan magenta turquoise teal beige maroon crimson
    scarlet indigo tan navy lilac mauve reddish greenish bluish yellowish purplish pinkish brownish blackish whitish greyish
    grayish dark darker darkest lighter lightest bright brighter brightest pale paler palest coloured colored colour color
    multicoloured multicolored colourful colorful
"""
_SIZES = """
    big bigger biggest large larger largest huge giant great small smaller smallest little tiny tall taller tallest short
    shorter shortest long longer longest wide wider widest narrow narrower narrowest thick thicker thickest thin thinner
    thinnest high higher highest low lower lowest fat fatter fattest medium
"""
#: Also "top", which names a garment too: as every word of "her top" is known, it need not be told which of the two it is.
_PLACES = """
    left right top bottom middle centre center front back rear upper leftmost rightmost topmost bottommost uppermost
    lowermost leftward rightward central centermost centremost far farther farthest further furthest close closer closest
    nearer nearest background foreground
"""
#: Without plaid, glass, building and others that are also things or materials.
_LOOKS = """
    striped stripy stripey dotted spotted spotty checkered chequered checked patterned flowery shiny glossy matt matte rusty
    rusted wooden metallic golden silvery transparent translucent opaque frosted folded unfolded crumpled wrinkled creased torn
    ripped broken cracked chipped dented bent straight curved curly wavy twisted coiled stacked opened open closed shut empty
    full filled wet damp dusty dirty clean muddy greasy oily sticky fluffy fuzzy furry hairy spiky pointed pointy sharp blunt
    rounded circular rectangular triangular oval cylindrical conical spherical hexagonal flat hollow smooth rough bumpy woven
    braided embroidered painted printed carved glazed polished sliced chopped cooked raw boiled fried baked roasted grilled
    burnt burned frozen melted ripe unripe rotten fresh stale bitten eaten bald bearded barefoot shirtless young old new upside
    tilted leaning horizontal vertical diagonal inverted overturned fallen hanging dangling lit unlit glowing faded stained
    standing sitting seated lying crouching squatting kneeling bending walking running jumping smiling
"""
_PLACELESS = "side adjacent opposite forward backward place position spot direction"
#: These tell one object from others, and stand for it where its kind is clear: "the white", "leftmost", "dressed in red".
DESCRIBES = frozenset(" ".join((_COLOURS, _SIZES, _PLACES, _ORDER, _LOOKS)).split())
_COUNTS = frozenset(_NUMBERS.split())
CANNOT_NAME = DESCRIBES | _COUNTS | frozenset(f"{_FUNCTION} {_PLACELESS}".split())
#: Other words of one or two letters are letters, initials and units; other words that end in "ly" are adverbs.
_SHORT_NAMES = frozenset("tv pc cd ic ox ax dj id ad".split())
_LY_NAMES = frozenset(
    "ally assembly belly bully butterfly dolly doily dragonfly elderly family firefly fly grizzly jelly lily rally supply".split()
)
#: These name an object or not, depending on the words beside them: "the violet one" and "one qwertz", "the red can" and "can you".
ONE, CAN = "one", "can"
_ASKED = frozenset({"you", "i", "we", "he", "she", "it", "they", "anyone", "somebody", "someone"})


def names_object(words: Sequence[str], known: Sequence[bool]) -> bool:
    """Return whether a phrase has a known word that can name an object.

    Args:
        words: the phrase's words, as `split_words` gives them.
        known: for each of them, whether the network knows it.
    """
    return any(
        is_known and _can_name(word) and not _is_number_or_verb(words, known, at)
        for at, (word, is_known) in enumerate(zip(words, known, strict=True))
    )


def describes_object(words: Sequence[str], known: Sequence[bool]) -> bool:
    """Return whether all of a phrase's words are known and one of them tells one object from others.

    Args:
        words: the phrase's words, as `split_words` gives them.
        known: for each of them, whether the network knows it.
    """
    return all(known) and not DESCRIBES.isdisjoint(words)


def _can_name(word: str) -> bool:
    if word in CANNOT_NAME or word.isdecimal():
        return False
    if len(word) <= 2:
        return word in _SHORT_NAMES
    return not word.endswith("ly") or word in _LY_NAMES


def _is_number_or_verb(words: Sequence[str], known: Sequence[bool], at: int) -> bool:
    """Whether "one" counts, as in "one zork" and "a hundred and one", or "can" is the verb, as in "can you" and "if you can"."""
    before = [word for word in words[:at] if word != "and"][-1:]
    after = [word for word in words[at + 1 :] if word != "and"][:1]
    if words[at] == ONE:
        counted = any(word in _COUNTS or word.isdecimal() for word in (*before, *after))
        return counted or (at == 0 and (not after or not known[1]))
    return words[at] == CAN and not _ASKED.isdisjoint((*before, *after))
