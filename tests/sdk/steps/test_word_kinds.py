import pytest

from isfp.steps.phrase import Vocabulary

VOCABULARY = Vocabulary.from_words(
    "the a one two 5 red blue left on in can you find small middle of mug can orange light thing stapler "
    "striped shiny kneeling building".split()
)


@pytest.mark.parametrize(
    "text",
    [
        "mug",
        "the red mug",
        "the orange",
        "the thing on the left",
        "the red one",
        "one on the left",
        "the red can",
        "zork mug",
        "the striped one",
        "stapler",
        "building",
    ],
)
def test_a_word_names_an_object(text):
    assert VOCABULARY.encode(text, 20).names_object


@pytest.mark.parametrize(
    "text",
    [
        "zork",
        "the",
        "red",
        "the small blue",
        "on the left",
        "two",
        "5",
        "one",
        "one zork",
        "the red zork",
        "can you find zork",
        "the striped zork",
        "shiny",
        "kneeling",
    ],
)
def test_function_words_numbers_colours_sizes_and_places_name_none(text):
    assert not VOCABULARY.encode(text, 20).names_object


def test_words_past_the_limit_name_nothing():
    assert not VOCABULARY.encode("on the left of the mug", 4).names_object
