"""The effect of each word of a phrase: how much attention it gets, and how much the score drops without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isfp.bundle.bundle import Bundle
from isfp.errors import IsfpError
from isfp.steps.lookup import best_cells
from isfp.steps.phrase import split_words
from isfp.steps.view import View

ATTENTION = "Softmax"  # the last operator of word attention (paper, III-A)


@dataclass(frozen=True)
class WordEffect:
    """The effect of one word (ours: it is left out; the paper has no such measure).

    Attributes:
        word: as the network reads it.
        known: whether the vocabulary has it.
        loss: how much the probability of the whole phrase's best cell drops without the word, -1 to 1; below 0 it rises.
        moves: whether another cell is best without it, so that the answer changes.
        attention: the word's weight in the phrase's feature (paper, III-A), 0 to 1; None if it was not read.
    """

    word: str
    known: bool
    loss: float
    moves: bool
    attention: float | None = None


class AttentionError(IsfpError):
    """The word attention of a bundle's text stage cannot be read."""


def word_effects(view: View, text: str, attention: np.ndarray | None = None) -> list[WordEffect]:
    """Ask for the phrase, and for the phrase without each of its words, all at once.

    Args:
        view: a view of the frame.
        text: one phrase.
        attention: the words' weights `[n]` from `WordAttentionReader`.

    Returns:
        One for each word that the network reads, in order; none for a phrase of one word, because nothing is left without it.

    Raises:
        PhraseError: the phrase is not text, or has no words.
        StaleViewError: the Segmenter has looked at another frame since.
    """
    encoded = view.encode(text)
    words = split_words(text)[: encoded.length]
    if len(words) < 2:
        return []
    without = [" ".join(words[:number] + words[number + 1 :]) for number in range(len(words))]
    maps = view.identify([" ".join(words), *without])
    whole, *others = best_cells(maps)
    weights: list[float | None] = [None] * len(words) if attention is None else [float(weight) for weight in attention]
    return [
        WordEffect(
            word,
            word not in encoded.unknown,
            float(maps[0, whole.row, whole.column] - changed[whole.row, whole.column]),
            other.index != whole.index,
            weight,
        )
        for word, changed, other, weight in zip(words, maps[1:], others, weights, strict=True)
    ]


class WordAttentionReader:
    """Reads the weights of word attention from a bundle's text stage, on the CPU.

    The stage outputs only the phrase vector. The weights are the output of its softmax, so that node is made another output. The
    values are used only if they can be such weights: one for each word, with the sum 1, and 0 after the end of the phrase.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Load the text stage with an additional output.

        Raises:
            ModuleNotFoundError: the package `onnx` is missing; it is in the extra `explain`.
            AttentionError: the stage has no softmax, or several.
        """
        import onnx
        import onnxruntime

        self._vocabulary, self._most = bundle.vocabulary(), bundle.manifest.max_words
        model = onnx.load_from_string(bundle.read(bundle.manifest.stages["text"].file))
        outputs = [node.output[0] for node in model.graph.node if node.op_type == ATTENTION]
        if len(outputs) != 1:
            raise AttentionError(f"The text stage has {len(outputs)} softmax nodes; expected one, that of word attention.")
        self._output = outputs[0]
        model.graph.output.append(onnx.ValueInfoProto(name=self._output))
        self._session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def __call__(self, text: str) -> np.ndarray:
        """Return the weight of each word of a phrase, float32 `[n]`, 0 to 1; their sum is 1.

        Raises:
            PhraseError: the phrase has no words.
            AttentionError: the output of the node cannot be word attention.
        """
        encoded = self._vocabulary.encode(text, self._most)
        lengths = np.array([encoded.length], np.int32)
        (weights,) = self._session.run([self._output], {"words": encoded.ids[None], "lengths": lengths})
        weights = np.asarray(weights, np.float32)
        used, padding = weights[..., : encoded.length], weights[..., encoded.length :]
        if weights.shape != (1, self._most) or abs(used.sum() - 1) > 1e-2 or np.abs(padding).max(initial=0) > 1e-3:
            raise AttentionError(
                f"The text stage's softmax has the shape {list(weights.shape)} and the sum {used.sum():.3f} over the words; "
                f"expected [1, {self._most}], the sum 1 over the words and 0 after them. The word attention cannot be read."
            )
        return used[0]
