import pytest

from isfp.steps.stopwatch import Stopwatch


def test_steps_are_in_the_order_of_their_first_run_and_a_later_run_replaces_the_time():
    stopwatch = Stopwatch(frame=2.0, image=1000.0)
    for name in ("mask", "image"):
        with stopwatch.step(name):
            pass
    taken = stopwatch.milliseconds()
    assert list(taken) == ["frame", "image", "mask", "total"]
    assert 0 <= taken["image"] < 1000
    assert taken["total"] == pytest.approx(taken["frame"] + taken["image"] + taken["mask"])


def test_a_step_inside_another_and_one_that_fails():
    stopwatch = Stopwatch()
    with pytest.raises(KeyError), stopwatch.step("outer"), stopwatch.step("inner"):
        raise KeyError
    assert stopwatch.milliseconds() == {"total": 0}
    with stopwatch.step("outer"), stopwatch.step("inner"):
        pass
    taken = stopwatch.milliseconds()
    assert taken["outer"] >= taken["inner"] >= 0
