from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isfp.errors import FrameError
from isfp.steps.letterbox import Framing, check_frame, logit_of
from isfp.steps.result import box_of

FRAMING = Framing(64, 64, 128)
SIZES = st.integers(1, 300)

BAD_FRAMES = {
    "None": (None, "None"),
    "a list": ([[1, 2, 3]], "list"),
    "bytes": (b"abc", "bytes"),
    "float": (np.zeros((4, 4, 3), np.float32), "float32"),
    "NaN": (np.full((4, 4, 3), np.nan), "NaN"),
    "int16": (np.zeros((4, 4, 3), np.int16), "int16"),
    "bool": (np.zeros((4, 4, 3), bool), "bool"),
    "grey": (np.zeros((4, 4), np.uint8), "GRAY2BGR"),
    "four channels": (np.zeros((4, 4, 4), np.uint8), "BGRA2BGR"),
    "one channel": (np.zeros((4, 4, 1), np.uint8), r"\[4, 4, 1\]"),
    "a batch": (np.zeros((1, 4, 4, 3), np.uint8), r"\[1, 4, 4, 3\]"),
    "no rows": (np.zeros((0, 4, 3), np.uint8), "no pixels"),
    "no columns": (np.zeros((4, 0, 3), np.uint8), "no pixels"),
    "empty": (np.zeros(0, np.uint8), "no pixels"),
}


@pytest.mark.parametrize("frame", BAD_FRAMES)
def test_a_bad_frame_is_refused_with_what_was_found_and_expected(frame):
    value, found = BAD_FRAMES[frame]
    with pytest.raises(FrameError, match=f"(?s){found}.*") as error:
        FRAMING.fit(value)
    assert "expected a NumPy array of uint8" in str(error.value)


def test_a_wide_frame_is_centred_on_grey_with_its_channels_in_order():
    frame = np.empty((32, 64, 3), np.uint8)
    frame[:] = (10, 20, 30)
    view, letterbox = FRAMING.fit(frame)
    assert view.shape == (1, 64, 64, 3)
    assert (view[0, 16:48] == (10, 20, 30)).all()
    assert (view[0, :16] == 128).all()
    assert (view[0, 48:] == 128).all()
    assert (letterbox.top, letterbox.left, letterbox.height, letterbox.width) == (16, 0, 32, 64)


def test_the_buffer_given_is_written_and_nothing_of_the_last_frame_stays():
    buffer = np.empty((1, 64, 64, 3), np.uint8)
    FRAMING.fit(np.full((80, 40, 3), 200, np.uint8), out=buffer)
    wide = np.full((40, 80, 3), 50, np.uint8)
    view, _ = FRAMING.fit(wide, out=buffer)
    assert view is buffer
    np.testing.assert_array_equal(view, FRAMING.fit(wide)[0])


@given(SIZES, SIZES)
@settings(deadline=None)
def test_the_padding_is_grey_whatever_the_buffer_held(height, width):
    buffer = np.full((1, 64, 64, 3), 3, np.uint8)
    view, letterbox = FRAMING.fit(np.full((height, width, 3), 9, np.uint8), out=buffer)
    expected = np.full((64, 64, 3), 128, np.uint8)
    expected[letterbox.window] = 9
    np.testing.assert_array_equal(view[0], expected)


def test_views_that_are_not_contiguous_are_read_right():
    frame = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    for strange in (frame[::-1, ::-1], frame[:, :, ::-1], frame[::2, ::3], np.asfortranarray(frame)):
        np.testing.assert_array_equal(FRAMING.fit(strange)[0], FRAMING.fit(strange.copy(order="C"))[0])


def test_shrinking_averages_fine_stripes_instead_of_aliasing():
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    view, _ = FRAMING.fit(stripes)
    assert np.ptp(view.astype(int)) <= 2
    assert abs(view.mean() - 127.5) < 2


@given(SIZES, SIZES)
@settings(deadline=None)
def test_any_size_is_placed_whole_inside_the_view_touching_two_sides(height, width):
    _, letterbox = FRAMING.fit(np.zeros((height, width, 3), np.uint8))
    assert 0 <= letterbox.top <= 64 - letterbox.height
    assert 0 <= letterbox.left <= 64 - letterbox.width
    assert 64 in (letterbox.height, letterbox.width)
    assert letterbox.mask(np.zeros((64, 64), np.float32)).shape == (height, width)


@given(SIZES, SIZES, st.lists(st.floats(-50, 400), min_size=4, max_size=4))
@settings(deadline=None)
def test_points_and_boxes_come_back_to_where_they_were(height, width, values):
    letterbox = FRAMING.letterbox(height, width)
    box = np.array(values)
    np.testing.assert_allclose(letterbox.boxes_to_frame(letterbox.boxes_to_input(box)), box, atol=1e-6)
    np.testing.assert_allclose(letterbox.points_to_frame(letterbox.points_to_input(box[:2])), box[:2], atol=1e-6)


def test_the_whole_frame_as_a_box_is_the_window_in_the_view():
    letterbox = FRAMING.letterbox(100, 200)
    np.testing.assert_allclose(letterbox.boxes_to_input([0, 0, 200, 100]), [0, 16, 64, 48])


@pytest.mark.parametrize("size", [(480, 640), (64, 64), (333, 111), (40, 30)])
def test_a_mask_goes_into_the_view_and_back(size):
    rows, columns = size
    mask = np.zeros(size, bool)
    mask[rows // 4 : rows // 2, columns // 4 : columns // 2] = True
    coverage = FRAMING.fit_mask(mask)
    assert coverage.dtype == np.float32
    assert 0 <= coverage.min() <= coverage.max() <= 1
    back = FRAMING.letterbox(*size).mask(coverage * 20 - 10)
    assert (back & mask).sum() / (back | mask).sum() > 0.9


def test_a_mask_in_the_view_lies_where_its_frame_lies():
    mask = np.zeros((100, 200), bool)
    mask[40:60, 80:120] = True
    frame = np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)
    view, letterbox = FRAMING.fit(frame)
    difference = view[0, ..., 0] / 255 - FRAMING.fit_mask(mask)
    assert np.abs(difference[letterbox.window]).max() < 0.01


def test_the_mask_threshold_is_a_probability():
    letterbox = FRAMING.letterbox(64, 64)
    logits = np.full((64, 64), np.log(0.7 / 0.3), np.float32)
    assert letterbox.mask(logits, 0.69).all()
    assert not letterbox.mask(logits, 0.71).any()


def test_a_pixel_of_half_a_probability_is_not_in_a_mask_unless_another_threshold_is_given():
    letterbox = FRAMING.letterbox(64, 64)
    logits = np.zeros((64, 64), np.float32)
    assert not letterbox.mask(logits).any()
    assert letterbox.mask(logits + 1e-3).all()
    assert letterbox.mask(logits, 0.4).all()


def plain_mask(letterbox, logits, threshold):
    """The mask as the whole of the logits resized gives it, and those resized logits."""
    restored = letterbox.restore(logits)
    return restored > np.float32(logit_of(threshold)), restored


@given(SIZES, SIZES, st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.4, 0.93, 0.01]))
@settings(deadline=None, max_examples=200)
def test_a_mask_resized_in_part_is_that_of_the_whole(height, width, seed, threshold):
    letterbox, rng = FRAMING.letterbox(height, width), np.random.default_rng(seed)
    row, column, radius = *rng.uniform(-5, 69, 2), rng.uniform(0, 40)
    rows, columns = np.mgrid[:64, :64]
    logits = ((radius - np.hypot(rows - row, columns - column)) * rng.uniform(0.1, 3)).astype(np.float32)
    logits += rng.choice([0, 0.5, 5]) * rng.standard_normal((64, 64)).astype(np.float32)
    mask, part = letterbox.mask_above(logits[letterbox.window], logit_of(threshold))
    whole, restored = plain_mask(letterbox, logits, threshold)
    assert (mask.shape, mask.dtype) == ((height, width), bool)
    np.testing.assert_allclose(restored[mask != whole], logit_of(threshold), atol=1e-4)  # none, where OpenCV is built with IPP
    assert box_of(mask, part) == box_of(mask)
    np.testing.assert_array_equal(letterbox.mask(logits, threshold), mask)


@pytest.mark.parametrize("size", [(720, 1280), (480, 640), (320, 320), (160, 320), (96, 1280), (64, 64)])
@pytest.mark.parametrize("threshold", [0.5, 0.35])
def test_a_mask_resized_in_part_is_that_of_the_whole_to_the_bit_where_places_are_fractions_of_two(size, threshold):
    letterbox, rng = Framing(320, 320).letterbox(*size), np.random.default_rng(0)
    for radius in (0.4, 5, 40, 400):
        row, column = rng.uniform(0, letterbox.height), rng.uniform(0, letterbox.width)
        rows, columns = np.mgrid[:320, :320]
        logits = (radius - np.hypot(rows - letterbox.top - row, columns - letterbox.left - column)).astype(np.float32)
        np.testing.assert_array_equal(letterbox.mask(logits, threshold), plain_mask(letterbox, logits, threshold)[0])


@pytest.mark.parametrize("threshold", [0.5, 0.4, 0.6, 0.9])
def test_pixels_at_the_threshold_itself_are_in_a_mask_only_where_the_whole_has_them(threshold):
    letterbox, rng = FRAMING.letterbox(96, 128), np.random.default_rng(0)
    level = np.float32(logit_of(threshold))
    near = np.array([np.nextafter(level, np.float32(-9)), level, level - np.float32(1e-6), -30], np.float32)
    logits = rng.choice(near, (64, 64))
    logits[30, 20] = np.nextafter(level, np.float32(9))
    np.testing.assert_array_equal(letterbox.mask(logits, threshold), plain_mask(letterbox, logits, threshold)[0])


def test_only_the_part_around_a_mask_is_resized_and_an_empty_mask_has_none():
    letterbox = Framing(320, 320).letterbox(720, 1280)
    logits = np.full((180, 320), -4, np.float32)
    mask, part = letterbox.mask_above(logits, 0.0)
    assert not mask.any()
    assert not mask[part].size
    assert box_of(mask, part) is None
    logits[50:60, 100:120] = 4
    mask, part = letterbox.mask_above(logits, 0.0)
    assert part == (slice(196, 244), slice(396, 484))
    assert box_of(mask, part) == box_of(mask) == (400, 200, 480, 240)


def test_many_boxes_and_points_are_mapped_as_each_alone():
    letterbox = FRAMING.letterbox(100, 200)
    boxes = np.random.default_rng(0).uniform(0, 64, (3, 5, 4))
    for many in (letterbox.boxes_to_frame, letterbox.boxes_to_input):
        np.testing.assert_array_equal(many(boxes), [[many(box) for box in row] for row in boxes])
    np.testing.assert_allclose(letterbox.points_to_frame([[0, 16], [32, 32], [64, 48]]), [[0, 0], [100, 50], [200, 100]])


@pytest.mark.parametrize(
    ("dtype", "hint"),
    [
        ("float32", r"\* 255\)\.round"),
        ("uint16", "frame >> 8"),
        (">u2", "frame >> 8"),
        ("int64", r"from 0 to 255: frame\.astype"),
        ("bool", r"frame\.astype\('uint8'\) \* 255"),
    ],
)
def test_a_frame_of_another_type_is_refused_with_the_way_from_that_type(dtype, hint):
    with pytest.raises(FrameError, match=hint):
        check_frame(np.zeros((4, 6, 3), dtype))


def test_a_complex_frame_has_no_way_and_a_masked_one_says_what_to_fill():
    with pytest.raises(FrameError, match=r"as cv2\.imread returns it\.$"):
        check_frame(np.zeros((4, 6, 3), complex))
    with pytest.raises(FrameError, match=r"frame\.filled\(0\)"):
        check_frame(np.ma.masked_array(np.zeros((4, 6, 3), np.uint8), True))


def test_a_tall_frame_is_centred_between_left_and_right():
    letterbox = FRAMING.letterbox(64, 32)
    assert (letterbox.top, letterbox.left, letterbox.height, letterbox.width) == (0, 16, 64, 32)


def test_height_and_width_of_an_input_that_is_not_square_are_not_confused():
    wide = Framing(32, 64)
    letterbox = wide.letterbox(64, 64)
    assert (letterbox.top, letterbox.left, letterbox.height, letterbox.width) == (0, 16, 32, 32)
    letterbox = wide.letterbox(16, 64)
    assert (letterbox.top, letterbox.left, letterbox.height, letterbox.width) == (8, 0, 16, 64)
    fitted, _ = wide.fit(np.zeros((40, 20, 3), np.uint8))
    assert fitted.shape == (1, 32, 64, 3)
    assert wide.fit_mask(np.ones((40, 20), bool)).shape == (32, 64)


def test_a_frame_of_one_pixel_column_or_row_keeps_one():
    letterbox = FRAMING.letterbox(1, 1000)
    assert (letterbox.top, letterbox.left, letterbox.height, letterbox.width) == (31, 0, 1, 64)
    letterbox = FRAMING.letterbox(1000, 1)
    assert (letterbox.top, letterbox.left, letterbox.height, letterbox.width) == (0, 31, 64, 1)


def test_a_small_frame_is_enlarged_smoothly_and_not_in_squares():
    frame = np.zeros((2, 2, 3), np.uint8)
    frame[:, 1] = 200
    fitted, _ = FRAMING.fit(frame)
    assert len(np.unique(fitted)) > 20


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((4, 6), "GRAY2BGR"),
        ((4, 6, 1), "GRAY2BGR"),
        ((4, 6, 4), "BGRA2BGR"),
        ((3, 4, 6), r"frame\.transpose\(1, 2, 0\)"),
        ((2, 4, 6, 3), r"one frame of a batch is frame\[0\]"),
        ((0, 6, 3), "it has no pixels"),
        ((4, 6, 2), r"as cv2\.imread returns it\.$"),
    ],
)
def test_a_frame_of_another_shape_is_refused_with_the_way_from_that_shape(shape, hint):
    with pytest.raises(FrameError, match=hint):
        check_frame(np.zeros(shape, np.uint8))


def test_what_is_no_array_is_refused_by_its_type_and_nan_is_said():
    with pytest.raises(FrameError, match=r"is None; .* return None when reading fails"):
        check_frame(None)
    with pytest.raises(FrameError, match="The frame is of the type list; expected"):
        check_frame([[1]])
    with pytest.raises(FrameError, match="has the type float32 with NaN in it"):
        check_frame(np.full((4, 6, 3), np.nan, np.float32))
    with pytest.raises(FrameError, match="has the type float32; expected"):
        check_frame(np.zeros((4, 6, 3), np.float32))


@pytest.mark.parametrize(
    ("frame", "hint"),
    [
        ("a.jpg", r"isfp\.pictures\.read\(path\)"),
        (Path("a.jpg"), r"isfp\.pictures\.read\(path\)"),
        (b"\xff\xd8", r"isfp\.pictures\.decode\(content, name\)"),
        ([np.zeros((4, 6, 3), np.uint8)], "call this for each of them, or use `stream`"),
        (cv2.UMat(np.zeros((4, 6, 3), np.uint8)), r"frame\.get\(\)"),
        (3, r"as cv2\.imread returns it\.$"),
    ],
)
def test_what_is_no_array_is_refused_with_the_way_from_it(frame, hint):
    with pytest.raises(FrameError, match=hint):
        check_frame(frame)


def test_a_tensor_and_a_pil_image_become_frames_as_the_error_says():
    torch, image = pytest.importorskip("torch"), pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)  # blue, green, red
    rgb = pixels[..., ::-1].copy()
    for frame in (torch.from_numpy(rgb).permute(2, 0, 1), image.fromarray(rgb)):
        with pytest.raises(FrameError, match="of uint8, RGB: |For a PIL image: ") as error:
            check_frame(frame)
        way = str(error.value).rpartition(": ")[2].rstrip(".")
        np.testing.assert_array_equal(eval(way, {"frame": frame, "numpy": np}), pixels)


def test_on_its_way_back_a_mask_is_interpolated_and_not_repeated():
    values = np.zeros((64, 64), np.float32)
    values[:, 32:] = 1
    middle = FRAMING.letterbox(256, 256).restore(values)[128, 124:132]
    np.testing.assert_allclose(middle, [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])


@pytest.mark.parametrize("size", [(720, 1280), (480, 640), (1080, 1920), (722, 1278), (719, 1279)])
def test_a_frame_that_is_halved_first_has_the_same_areas_up_to_one_grey_level(size):
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    fitted, letterbox = Framing(320, 320).fit(frame)
    whole = cv2.resize(frame, (letterbox.width, letterbox.height), interpolation=cv2.INTER_AREA)
    assert np.abs(fitted[0][letterbox.window].astype(int) - whole).max() <= 1


def test_the_padding_is_grey_128_unless_another_value_is_given():
    frame = np.zeros((32, 64, 3), np.uint8)
    assert Framing(64, 64).fit(frame)[0][0, 0, 0, 0] == 128
    assert Framing(64, 64, 7).fit(frame)[0][0, 0, 0, 0] == 7
