"""The memory alone, on maps with two rivals and on flat logits."""

import numpy as np
import pytest

from isfp.video.memory import Memory

KEY = b"it"
FRAME = np.zeros((1, 32, 32, 3), np.uint8)


def grid(**scores: float) -> np.ndarray:
    """An identifying map [1,5,5] with the named cells at their scores: `r1c2=0.5` is row 1, column 2."""
    made = np.full((1, 5, 5), 0.05, np.float32)
    for name, score in scores.items():
        made[0, int(name[1]), int(name[3])] = score
    return made


def follow(memory: Memory, grids: list[np.ndarray]) -> list[tuple[bool, tuple[int, int]]]:
    seen = []
    for newest in grids:
        _, (cell,), found = memory.look_up([b"it"], newest)
        seen.append((found == [0], (cell.row, cell.column)))
    return seen


def test_found_has_hysteresis():
    memory = Memory(enter=0.5, leave=0.35, mask_threshold=0.5)
    wavering = [0.45, 0.55, 0.44, 0.56, 0.42, 0.58, 0.43]
    found = [there for there, _ in follow(memory, [grid(r1c1=score) for score in wavering])]
    assert found == [False, True, True, True, True, True, True]
    assert [there for there, _ in follow(memory, [grid(r1c1=0.1)] * 2)] == [False, False]


def test_what_never_reaches_the_threshold_is_never_found():
    memory = Memory(enter=0.5, leave=0.35, mask_threshold=0.5)
    assert not any(there for there, _ in follow(memory, [grid(r1c1=0.49)] * 10))


def test_rivals_of_about_the_same_score_do_not_take_turns():
    memory = Memory(enter=0.5, leave=0.35, mask_threshold=0.5)
    turns = [grid(r1c1=0.75, r4c4=0.7), grid(r1c1=0.7, r4c4=0.75)] * 5
    assert {place for _, place in follow(memory, turns)} == {(1, 1)}


def test_a_rival_that_stays_a_little_likelier_takes_over_after_a_while():
    memory = Memory(enter=0.5, leave=0.35, mask_threshold=0.5)
    first = follow(memory, [grid(r0c0=0.75, r4c4=0.7)] * 2)
    places = [place for _, place in first + follow(memory, [grid(r0c0=0.7, r4c4=0.78)] * 12)]
    assert places[:4] == [(0, 0)] * 4
    assert places[-1] == (4, 4)


def test_a_rival_that_is_clearly_likelier_takes_over_one_frame_late_at_most():
    memory = Memory(enter=0.5, leave=0.35, mask_threshold=0.5)
    places = [place for _, place in follow(memory, [grid(r1c1=0.9)] * 3 + [grid(r4c4=0.9)] * 2)]
    assert places[:3] == [(1, 1)] * 3
    assert places[4] == (4, 4)


def test_a_score_that_reaches_the_threshold_is_enough():
    assert [there for there, _ in follow(Memory(0.5, 0.35, 0.5), [grid(r1c1=0.5)])] == [True]
    memory = Memory(enter=0.5, leave=0.375, mask_threshold=0.5)
    falling = [grid(r1c1=0.75), np.zeros((1, 5, 5), np.float32)]  # blended 0.75, 0.375
    assert [there for there, _ in follow(memory, falling)] == [True, True]
    assert [there for there, _ in follow(memory, falling[1:])] == [False]


def test_the_map_is_the_mean_of_the_newest_and_what_was_before():
    memory = Memory(enter=0.5, leave=0.35, mask_threshold=0.5)
    first, second = grid(r1c1=0.75), grid(r1c1=0.25)
    before = second.copy()
    memory.look_up([KEY], first)
    maps, (cell,), found = memory.look_up([KEY], second)
    np.testing.assert_array_equal(maps, (first + before) / 2)
    np.testing.assert_array_equal(second, before)
    assert (cell.score, found) == (0.5, [0])


def test_a_refused_phrase_is_not_found_and_its_past_stays():
    memory = Memory(enter=0.5, leave=0.35, mask_threshold=0.5)
    memory.look_up([KEY, b"other"], np.concatenate([grid(r1c1=0.75), grid(r3c3=0.875)]))
    maps, cells, found = memory.look_up([KEY, b"other"], np.concatenate([grid(r4c4=1.0), grid(r3c3=0.875)]), refused=[0])
    assert found == [1]
    assert (cells[0].row, cells[0].column, cells[0].score) == (4, 4, 1.0)
    np.testing.assert_array_equal(maps[0], grid(r4c4=1.0)[0])
    maps, _, found = memory.look_up([KEY], grid(r1c1=0.25))
    assert found == [0]
    assert maps[0, 1, 1] == 0.5
    assert memory.look_up([b"new"], grid(r1c1=1.0), refused=[0])[2] == []
    assert memory.look_up([b"new"], grid(r1c1=0.75))[0][0, 1, 1] == 0.75, "it starts here"


def test_a_phrase_that_is_left_out_and_one_after_forget_start_anew():
    memory = Memory(enter=0.5, leave=0.35, mask_threshold=0.5)
    memory.look_up([KEY], grid(r1c1=1.0))
    memory.look_up([b"other"], grid(r1c1=1.0))
    assert memory.look_up([KEY], grid(r1c1=0.5))[0][0, 1, 1] == 0.5
    memory.forget()
    assert memory.look_up([KEY], grid(r1c1=1.0))[0][0, 1, 1] == 1.0


def test_what_is_undone_never_was():
    memory = Memory(enter=0.5, leave=0.35, mask_threshold=0.5)
    memory.look_up([KEY], grid(r1c1=1.0))
    memory.look_up([KEY], grid(r4c4=1.0))
    memory.undo()
    maps, (cell,), _ = memory.look_up([KEY], grid(r1c1=0.5))
    assert (cell.row, cell.column, maps[0, 1, 1]) == (1, 1, 0.75)


def test_a_small_advantage_counts_up_to_a_limit_and_a_tiny_one_never():
    start = [grid(r0c0=0.7, r4c4=0.6)] + [grid(r0c0=0.7, r4c4=0.7)] * 40
    memory = Memory(enter=0.5, leave=0.35, mask_threshold=0.5)
    assert {place for _, place in follow(memory, start)} == {(0, 0)}
    # The blend is ahead by 0.03, 0.045, 0.0525 and so on; less 0.02 each, the sum passes 0.2 at the seventh frame.
    places = [place for _, place in follow(memory, [grid(r0c0=0.7, r4c4=0.76)] * 7)]
    assert places == [(0, 0)] * 6 + [(4, 4)]
    memory = Memory(enter=0.5, leave=0.35, mask_threshold=0.5)
    follow(memory, start)
    assert {place for _, place in follow(memory, [grid(r0c0=0.7, r4c4=0.715)] * 100)} == {(0, 0)}


def test_an_object_is_followed_at_once_within_two_cells_and_is_a_rival_beyond():
    for column, second in ((3, (1, 3)), (4, (1, 1))):
        memory = Memory(enter=0.5, leave=0.2, mask_threshold=0.5)
        places = [place for _, place in follow(memory, [grid(r1c1=0.6), grid(**{f"r1c{column}": 0.7})])]
        assert places == [(1, 1), second]


def steady(memory: Memory, place: str, logit: float, frame: np.ndarray = FRAME) -> np.ndarray:
    """Look up one phrase that is certain at a place, then blend flat logits; returns them."""
    memory.look_up([KEY], grid(**{place: 1.0}))
    given = np.full((1, 1, 32, 32), logit, np.float32)
    blended = memory.steady([KEY], frame, given)
    assert (given == np.float32(logit)).all()
    return blended[0, 0]


@pytest.mark.parametrize(("threshold", "middle"), [(0.5, 0.0), (0.8, np.log(4))])
def test_logits_are_blended_by_half_after_they_were_clipped_around_the_threshold(threshold, middle):
    memory = Memory(0.5, 0.35, threshold)
    np.testing.assert_array_equal(steady(memory, "r1c1", 10), 10)  # the first is what the network says
    np.testing.assert_allclose(steady(memory, "r1c1", -10), middle, atol=1e-6)  # halfway between +4 and -4
    np.testing.assert_allclose(steady(memory, "r1c1", middle + 2), middle + 1, atol=1e-6)


def test_where_the_picture_moves_the_newest_counts_for_more():
    memory = Memory(0.5, 0.35, 0.5)
    steady(memory, "r1c1", 10)
    frame = FRAME.copy()
    frame[0, :8, :8] = 255
    blended = steady(memory, "r1c1", -10, frame)
    np.testing.assert_allclose(blended[:8, :8], 4 - 0.8 * 8, atol=1e-5)
    np.testing.assert_allclose(blended[24:, 24:], 0, atol=1e-5)


def test_masks_of_several_phrases_are_blended_apart():
    memory = Memory(0.5, 0.35, 0.5)
    keys, maps = [b"a", b"b"], np.concatenate([grid(r1c1=1.0), grid(r3c3=1.0)])
    for first, second in ((4.0, -4.0), (0.0, 0.0)):
        memory.look_up(keys, maps)
        logits = np.stack([np.full((1, 32, 32), value, np.float32) for value in (first, second)])
        blended = memory.steady(keys, FRAME, logits)
    np.testing.assert_allclose(blended[:, 0, 0, 0], [2, -2])


@pytest.mark.parametrize(
    ("start", "place", "expected"),
    [
        ("r1c1", "r1c2", 0.0),
        ("r1c1", "r2c2", 0.0),
        ("r1c1", "r1c3", -4.0),
        ("r1c1", "r3c1", -4.0),
        ("r0c3", "r1c4", 0.0),
        ("r3c0", "r4c1", 0.0),
    ],
)
def test_a_mask_keeps_its_history_for_a_step_of_one_cell_and_loses_it_for_more(start, place, expected):
    memory = Memory(0.5, 0.35, 0.5)
    steady(memory, start, 4)
    memory.look_up([KEY], grid(**{start: 0.0}))  # the place it was at fades, so that the step is made at once
    np.testing.assert_allclose(steady(memory, place, -4), expected, atol=1e-6)


def test_a_mask_has_no_history_after_its_object_was_lost():
    memory = Memory(0.5, 0.35, 0.5)
    steady(memory, "r1c1", 4)
    while memory.look_up([KEY], np.zeros((1, 5, 5), np.float32))[2]:
        pass
    np.testing.assert_array_equal(steady(memory, "r1c1", -4), -4)
