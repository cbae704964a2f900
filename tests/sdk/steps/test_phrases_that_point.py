"""Which phrases the verdict refuses without a look at the frame: those that say nothing of an object."""

import pytest

from isfp.steps.phrase import Vocabulary
from isfp.steps.verdict import NotFoundReason, why_refused

UNKNOWN = "zork qwertz asdf fnord"
#: Phrases that say nothing of an object, by kind, separated by "|". All words except `UNKNOWN` and other alphabets' are known.
NONSENSE = {
    "gibberish": """
        qwertz | asdf | zork | fnord | red zork | the zork | the red zork | left zork | zork on the left | biggest zork | zork
        zork zork | second zork from the left | in zork | zork in red | one zork | can you find zork | wearing zork | the
        striped zork | shiny qwertz | zork qwertz | zork fnord | asdf asdf | wearing a zork | the big zork | zork 5 | not the
        zork
    """,
    "other alphabets": """
        杯子 | 赤いカップ | кружка | красная кружка | κούπα | كوب | ספל | 컵 | แก้ว | कप | чашка слева | 左边的杯子 |
        the 杯子 | red 杯子 | die
        кружка | ყავა | գավաթ | ಕಪ್ | கோப்பை | 红色的 | røde äöü | ßßß | ñandú
    """,
    "numbers": """
        12345 | 0 | 7 | 42 | 00 | 1 2 3 | one | two | the two | three four | one two three | two one | twenty one | a hundred
        | seven hundred thousand | 5 of 6 | two of the three | 3.14 | 1,000,000 | 9 9 9 9 | one hundred and one | half a
        million | ٣٤ | twice | the one two | double 7
    """,
    "function words": """
        the | the the | a | of | of in on | in on at | and | or not | this | that | it | the of | to be or not to be | what is
        it | where are they | who is that | which of these | is this it | for you and me | with | without the | he and she |
        us | in the | there there | there is | if so then | between | between the | next to | to the | from the | under |
        behind | of the | out of the | because of that | some of them | all of it | none of these | nothing | anything |
        something | everything | no | not | no not that | the other | another | out there
    """,
    "verbs": """
        find | find it | find the | show me | give me that | pick it up | grab | take this | where is it | can you find it |
        please find | i want it | look at it | bring me the | wearing | holding | carrying a | is holding | think | eat |
        speak | remember to forget | say it | go get it | want to know | let me see | will be seen | keep trying | have been
        doing | could you please | see if you can | go | make it so | try again | to eat and to buy
    """,
    "adverbs and feelings": """
        quickly | very slowly | really | really really | maybe | never | always and never | perhaps later | soon | now | today
        | good | nice | very nice | beautiful | the beautiful | important | not bad | hello | hi | thanks | thank you | ok |
        okay | yes please | oh no | hey you | yeah yeah | same here | almost everywhere | actually | probably not | extremely
        | suddenly together
    """,
    "letters": """
        x | a b c | q w e r t z | z z z | s | ll | ve | i | b | the x | x y | eu | la la la | ex | le | vs | km | mm | un de
        la | mr | st | pm | 0x | g8
    """,
}
#: Phrases that people say of an object without naming its kind, or with a word that has a second meaning.
POINTING = """
    in red | wearing red | dressed in white | not in red | in all black | the white | red | green and white | darker |
    second from the left | 2nd from right | the first | third | the last | the fourth from the left at the front |
    leftmost | topmost | highest | on the left | on the right | top left | bottom | far right | upper left | the middle | center |
    in the front | back left | background | furthest away | in the back | closest to us | nearest | close to us | on top |
    the left one | the one in blue | biggest one | the other one | the red one | that one | one on the left | the big one |
    smaller | tallest | the biggest | the striped | the rusty | sitting | standing on the left | the bald |
    red top | her top | top | his back | the front | light | the light | the glass | the orange | the block | square |
    the round one | the red spot | the red can | can you see the mug | the can | number 5 |
    the couple | the elderly | butterfly | tv | the fly |
    man | men | the man | guy | lady | people | someone in red | somebody | person not in red | whoever is in green | zork mug
"""


def split(text: str) -> list[str]:
    return [phrase.strip() for phrase in text.split("|")]


ALL = [phrase for text in NONSENSE.values() for phrase in split(text)]
VOCABULARY = Vocabulary.from_words(
    word
    for phrase in (*ALL, *split(POINTING))
    for word in phrase.split()
    if word.isascii() and word.isalnum() and word not in UNKNOWN.split()
)


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_refused(kind):
    accepted = [phrase for phrase in split(NONSENSE[kind]) if why_refused(VOCABULARY.encode(phrase, 20), contrast=True) is None]
    assert accepted == []


def test_there_are_many_kinds_of_nonsense():
    assert len(set(ALL)) >= 150


@pytest.mark.parametrize("text", split(POINTING))
def test_a_phrase_that_points_at_something_is_left_to_the_score(text):
    assert why_refused(VOCABULARY.encode(text, 20), contrast=True) is None


@pytest.mark.parametrize("text", ["the red zork", "second zork from the left", "zork on the left", "biggest zork"])
def test_an_unknown_word_beside_words_that_only_describe_may_be_the_noun(text):
    assert why_refused(VOCABULARY.encode(text, 20), contrast=True) is NotFoundReason.NO_KNOWN_NOUN
