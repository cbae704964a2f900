"""The Identification Branch (paper III-B): one Instance-Specific Feature (ISF) for each grid cell."""

from __future__ import annotations

from torch import Tensor, nn

from isfp_train.network.layers import ConvBlock, with_coordinates


class IdentificationBranch(nn.Module):
    """Four 3×3 convolutions on F_ide at S×S make the ISF map F_ins.

    With `language` (ours), the phrase scales and shifts the channels of each convolution after its batch norm (prior work: FiLM,
    Perez et al. 2018), so the layers that compare objects know what to compare. It has no effect at the start of training.
    """

    def __init__(self, inputs: int, channels: int, coordinates: bool, slope: float, language: int | None = None) -> None:
        super().__init__()
        self.coordinates = coordinates
        widths = [inputs + 2 * coordinates, channels, channels, channels]
        self.body = nn.Sequential(*(ConvBlock(width, channels, 3, slope=slope) for width in widths))
        self.film = None
        if language is not None:
            self.film = nn.Linear(language, 2 * channels * len(self.body))
            nn.init.zeros_(self.film.weight)
            nn.init.zeros_(self.film.bias)

    def forward(self, features: Tensor, phrases: Tensor | None = None) -> Tensor:
        """F_ide `[P,D,S,S]`, phrases `[P,F]` (only used with `language`) -> F_ins `[P,C,S,S]`."""
        x = with_coordinates(features) if self.coordinates else features
        if self.film is None:
            return self.body(x)
        assert phrases is not None
        changes = self.film(phrases)[:, :, None, None].chunk(2 * len(self.body), dim=1)
        for block, scale, shift in zip(self.body, changes[::2], changes[1::2], strict=True):
            convolution, norm, activation = block.children()
            x = activation(norm(convolution(x)) * (1 + scale) + shift)
        return x
