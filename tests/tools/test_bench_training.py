import pytest

from bench_training import BASELINE, STEPS, measure
from tests.train.tiny import tiny


@pytest.mark.slow
def test_steps_with_and_without_stored_maps_and_masks_are_measured():
    found = measure(tiny(), rounds=1)
    assert (found["scenes"], found["phrases"]) == (4, 3)
    assert found["steps"].keys() == STEPS.keys()
    assert found["steps"][BASELINE]["speedup"] == 1
    for step in found["steps"].values():
        assert step["runs"] == 1
        assert step["phrases_per_second"] == pytest.approx(4 * 3 / step["median"] * 1e3, abs=1e-3)
