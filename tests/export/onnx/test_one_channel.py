"""The exported mask stage gives the mask of the channel that was asked for, alone or beside the others of the S²."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from isfp import Segmenter
from isfp.diagnose.bench.measure import default_frame

pytestmark = pytest.mark.slow  # trains and exports a network
FRAME, TEXT = default_frame(90, 120), "the red object on the left"


def test_a_mask_does_not_depend_on_which_other_channels_are_asked_for(exported: Path) -> None:
    with Segmenter(exported, threads=1) as segmenter:
        view = segmenter.look(FRAME)
        cells = segmenter.bundle.manifest.grid**2
        everything = np.array(view.masks([TEXT], [range(cells)])[0])
        for cell in range(cells):
            # Not to the bit: products of other shapes round otherwise (differences of 7e-7 were seen).
            np.testing.assert_allclose(view.masks([TEXT], [[cell]])[0][0], everything[cell], rtol=1e-5, atol=1e-5)


def test_the_same_channel_is_the_same_to_the_bit_each_time(exported: Path) -> None:
    with Segmenter(exported, threads=1) as segmenter:
        first = np.array(segmenter.look(FRAME).masks([TEXT], [[3]])[0])
        np.testing.assert_array_equal(segmenter.look(FRAME).masks([TEXT], [[3]])[0], first)
