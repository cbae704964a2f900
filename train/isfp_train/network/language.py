"""The language half of paper III-A: word vectors, a bidirectional GRU and word attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class WordVectors(nn.Module):
    """GloVe vectors: frozen (prior work), except for the words whose rows are trained (ours).

    GloVe's neighbours of "left" are those of the verb, so words of place are trained. The other vectors stay unchanged, so that
    words that never occur in training keep their distance to those that do.
    """

    vectors: Tensor
    trained_ids: Tensor

    def __init__(self, count: int, channels: int, trained_ids: list[int] | None = None) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.zeros(count, channels))
        self.register_buffer("trained_ids", torch.tensor(trained_ids or [], dtype=torch.long))
        self.trained = nn.Parameter(torch.zeros(len(self.trained_ids), channels))

    def load(self, vectors: Tensor) -> None:
        """Start from `vectors` `[V,E]`."""
        self.vectors.copy_(vectors)
        with torch.no_grad():
            self.trained.copy_(vectors[self.trained_ids])

    def table(self) -> Tensor:
        """Return all vectors as they are now, `[V,E]`."""
        return self.vectors.index_copy(0, self.trained_ids, self.trained)

    def forward(self, words: Tensor) -> Tensor:
        """Word ids `[P,L]` -> `[P,L,E]`."""
        return functional.embedding(words, self.table())


class WordAttention(nn.Module):
    """One weight per word, by a softmax over the real words: F_t = W_wᵀ F_w (paper III-A; the form follows prior work)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(channels, channels), nn.Tanh(), nn.Linear(channels, 1))

    def weights(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """Hidden states `[P,L,C]`, lengths `[P]` -> weights `[P,L]`, which are 0 on padding and sum to 1."""
        scores = self.score(hidden).squeeze(-1)
        padding = torch.arange(hidden.shape[1], device=hidden.device) >= lengths[:, None]
        return scores.masked_fill(padding, -1e4).softmax(dim=-1)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """Hidden states F_w `[P,L,C]`, lengths `[P]` -> F_t `[P,C]`."""
        return (self.weights(hidden, lengths).unsqueeze(1) @ hidden).squeeze(1)


class PhraseEncoder(nn.Module):
    """Word ids to the phrase's feature F_t.

    The backward GRU reads each phrase from its last word, by a gather within the phrase's length. So both directions are plain
    one-way GRUs over padded input, which can be exported to any runtime, and padding never changes a result.
    """

    def __init__(self, words: int, word_channels: int, channels: int, trained_ids: list[int] | None = None) -> None:
        super().__init__()
        self.words = WordVectors(words, word_channels, trained_ids)
        self.forward_gru = nn.GRU(word_channels, channels, batch_first=True)
        self.backward_gru = nn.GRU(word_channels, channels, batch_first=True)
        self.attention = WordAttention(channels)

    def hidden(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Word ids `[P,L]`, lengths `[P]` -> F_w `[P,L,C]`, the two directions summed."""
        embedded = self.words(words)
        reverse = _reversal(lengths, words.shape[1])
        ahead, _ = self.forward_gru(embedded)
        back, _ = self.backward_gru(_reordered(embedded, reverse))
        return ahead + _reordered(back, reverse)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Word ids `[P,L]`, lengths `[P]` in 1 … L -> F_t `[P,C]`."""
        return self.attention(self.hidden(words, lengths), lengths)


def _reordered(sequence: Tensor, order: Tensor) -> Tensor:
    """Reorder the words of each phrase: `[P,L,C]`, positions `[P,L]` -> `[P,L,C]`."""
    phrases, size, channels = sequence.shape
    rows = order + size * torch.arange(phrases, device=order.device)[:, None]
    return sequence.reshape(-1, channels).index_select(0, rows.flatten()).reshape(phrases, size, channels)


def _reversal(lengths: Tensor, size: int) -> Tensor:
    """Positions that reverse each phrase within its length `[P,L]`, and leave padding in place. The order is its own inverse."""
    position = torch.arange(size, device=lengths.device).expand(lengths.shape[0], -1)
    turned = lengths[:, None].to(position.dtype) - 1 - position
    return torch.where(turned >= 0, turned, position)
