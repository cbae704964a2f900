import pytest

from isfp.steps.phrase import Vocabulary
from isfp.steps.spelling import near_word

WORDS = [
    "blue",
    "mug",
    "green",
    "umbrella",
    "keyboard",
    "scissors",
    "laptop",
    "shirt",
    "settle",
    "custard",
    "try",
    "left",
    "cup",
    "cut",
]
IDS = {word: number for number, word in enumerate(WORDS)}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("bleu", "blue"),
        ("mgu", "mug"),
        ("mugg", "mug"),
        ("gren", "green"),
        ("umbrela", "umbrella"),
        ("keybord", "keyboard"),
        ("scissorss", "scissors"),
        ("scisors", "scissors"),
        ("leptop", "laptop"),
        ("laptpp", "laptop"),
        ("keyboared", "keyboard"),
    ],
)
def test_one_slip_is_seen(typed, meant):
    assert near_word(typed, IDS) == meant


@pytest.mark.parametrize(
    "word", ["kettle", "skirt", "mustard", "tray", "cub", "qwertz", "zap", "m", "", "12345", "кружка", "杯子", "bleeu" * 20]
)
def test_words_typed_as_they_were_meant_have_no_suggestion(word):
    assert near_word(word, IDS) is None


def test_of_two_like_slips_the_more_frequent_word_is_meant():
    assert near_word("blanke", {"blanked": 5, "blanket": 3}) == "blanket"
    assert near_word("blanke", {"blanked": 3, "blanket": 5}) == "blanked"


def test_an_encoded_phrase_has_suggestions():
    encoded = Vocabulary.from_words(WORDS).encode("the bleu mgu zork bleu", 20)
    assert encoded.unknown == ("the", "bleu", "mgu", "zork", "bleu")
    assert encoded.suggestions == {"bleu": "blue", "mgu": "mug"}
