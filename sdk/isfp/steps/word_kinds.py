"""Which words can name an object: all but function words, numbers, colours, sizes, places and looks (ours).

"The red one on the left" says which object, but not what kind of object unless "one" stands for something. A phrase without a word
that names an object gives the network nothing to look for, so that its score means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

_FUNCTION = """
    a an the this that these those some any each every either neither both all half few several many much more most other
    others another no not none nor and or but if so than then as also too very quite rather just only even still yet again
    of to in on at by for from with without within into onto upon about against between among amid through during before
    after along across around over under above below behind beside besides beyond near off out up down inside outside toward
    towards until while because since i me my mine myself you your yours yourself he him his himself she her hers herself it
    its itself we us our ours they them their theirs who whom whose which what where when why how there here am is are was
    were be been being do does did doing done have has had having will would shall should could may might must please thanks
    thank hello hi ok okay yes find show get take give bring fetch grab pick point look see locate search select segment
    want need like know tell let make go come put got took gave brought seen looking wanted s t d ll m re ve don didn doesn
    isn aren wasn weren won wouldn couldn shouldn
"""
_NUMBERS = """
    zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million once twice single double pair
    couple dozen first second third fourth fifth sixth seventh eighth ninth tenth last next previous 1st 2nd 3rd 4th 5th 6th
    7th 8th 9th 10th
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
_PLACES = """
    left right top bottom middle centre center front back rear side upper leftmost rightmost topmost bottommost uppermost
    lowermost leftward rightward central centermost centremost far farther farthest further furthest close closer closest
    nearer nearest adjacent opposite background foreground forward backward place position spot direction
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
    standing sitting seated lying crouching squatting kneeling bending walking running jumping smiling holding wearing carrying
"""
CANNOT_NAME = frozenset(" ".join((_FUNCTION, _NUMBERS, _COLOURS, _SIZES, _PLACES, _LOOKS)).split())
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
        is_known and word not in CANNOT_NAME and not word.isdecimal() and not _is_number_or_verb(words, known, at)
        for at, (word, is_known) in enumerate(zip(words, known, strict=True))
    )


def _is_number_or_verb(words: Sequence[str], known: Sequence[bool], at: int) -> bool:
    last = at + 1 == len(words)
    if words[at] == ONE:
        return at == 0 and (last or not known[at + 1])
    return words[at] == CAN and not last and words[at + 1] in _ASKED
