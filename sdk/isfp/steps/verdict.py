"""The verdict "not there": what is known beside the score, and the reason that a result states (ours).

The network scores every phrase on every frame. If the phrase neither names nor describes an object, or the frame shows nothing, the
score means nothing, however high it is.
"""

from __future__ import annotations

from enum import Enum

from isfp.steps.phrase import EncodedPhrase


class NotFoundReason(Enum):
    """Why an object was not found. The value is what JSON holds; `sentence` is for people."""

    NO_KNOWN_WORD = "no_known_word"
    NO_KNOWN_NOUN = "no_known_noun"
    FRAME_WITHOUT_CONTRAST = "frame_without_contrast"
    BELOW_THRESHOLD = "below_threshold"
    EMPTY_MASK = "empty_mask"

    @property
    def sentence(self) -> str:
        """The reason in words."""
        return _SENTENCES[self]

    @property
    def overrides_score(self) -> bool:
        """Whether the object is not found whatever its score is."""
        return self in (NotFoundReason.NO_KNOWN_WORD, NotFoundReason.NO_KNOWN_NOUN, NotFoundReason.FRAME_WITHOUT_CONTRAST)


_SENTENCES = {
    NotFoundReason.NO_KNOWN_WORD: "no word of the phrase is known",
    NotFoundReason.NO_KNOWN_NOUN: "no known word of the phrase names an object",
    NotFoundReason.FRAME_WITHOUT_CONTRAST: "the frame is one flat colour",
    NotFoundReason.BELOW_THRESHOLD: "the score is below the threshold",
    NotFoundReason.EMPTY_MASK: "the mask is empty",
}


def why_refused(phrase: EncodedPhrase, contrast: bool, noun_required: bool = True) -> NotFoundReason | None:
    """Return why a phrase is not found in a frame whatever its score is, or None if the score decides.

    Args:
        phrase: the phrase.
        contrast: whether the frame shows anything; see `contrast.has_contrast`.
        noun_required: whether a phrase must name or describe an object; see `Manifest.noun_required`.
    """
    if len(phrase.unknown) == phrase.length:
        return NotFoundReason.NO_KNOWN_WORD
    if noun_required and not (phrase.names_object or phrase.describes_object):
        return NotFoundReason.NO_KNOWN_NOUN
    return None if contrast else NotFoundReason.FRAME_WITHOUT_CONTRAST
