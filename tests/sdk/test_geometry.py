import numpy as np
import pytest

from isfp.geometry import DepthUnitError, GeometryError, Intrinsics, locate, outline

CAMERA = Intrinsics(fx=600, fy=590, cx=319.5, cy=239.5)
SIZE = (480, 640)


class Board:
    """A flat rectangle in space, its exact mask and depth by casting a ray through every pixel."""

    def __init__(self, centre=(0.1, -0.05, 0.8), length=0.24, width=0.08, turn=30.0, lean=0.0):
        """`turn` about the optical axis, then `lean` of the long axis away from the camera, degrees."""
        t, u = np.radians(turn), np.radians(lean)
        flat = np.array([np.cos(t), np.sin(t), 0])
        self.axis = np.cos(u) * flat + np.sin(u) * np.array([0, 0, 1])
        across = np.array([-np.sin(t), np.cos(t), 0])
        normal = np.cross(self.axis, across)
        self.centre, self.length, self.width = np.array(centre), length, width
        rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
        rays = np.stack([(columns - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy, np.ones(SIZE)], axis=-1)
        self.depth = (self.centre @ normal) / (rays @ normal)
        points = rays * self.depth[..., None] - self.centre
        self.mask = (np.abs(points @ self.axis) <= length / 2) & (np.abs(points @ across) <= width / 2)
        self.depth[~self.mask] = 1.5  # a wall behind it
        self.surface = (points + self.centre)[self.mask].mean(axis=0)


def angle_between(one: np.ndarray, other: np.ndarray) -> float:
    """Degrees between two lines."""
    return float(np.degrees(np.arccos(np.clip(abs(one @ other), 0, 1))))


@pytest.mark.parametrize("turn", [0, 30, 45, 89, 90, 120, 179])
def test_centre_axis_and_extent_in_the_picture(turn):
    found = outline(Board(turn=turn).mask)
    expected = turn - 180 if turn > 90 else turn
    assert min(abs(found.angle - expected), 180 - abs(found.angle - expected)) < 1
    assert -90 < found.angle <= 90
    assert found.length == pytest.approx(0.24 / 0.8 * 600, rel=0.03)
    assert found.width == pytest.approx(0.08 / 0.8 * 600, rel=0.05)
    assert found.centre[0] == pytest.approx(0.1 / 0.8 * 600 + 320, abs=1)
    assert found.centre[1] == pytest.approx(-0.05 / 0.8 * 590 + 240, abs=1)
    assert found.elongation == pytest.approx(3, rel=0.05)


def test_pixel_columns_cover_one_pixel_each():
    mask = np.zeros((10, 20), bool)
    mask[2:5, 4:14] = True
    found = outline(mask)
    assert (found.centre, found.length, found.width, found.angle) == ((9.0, 3.5), 10, 3, 0)
    one = np.zeros((4, 4), bool)
    one[1, 2] = True
    assert (outline(one).centre, outline(one).length, outline(one).elongation) == ((2.5, 1.5), 1, 1)


def test_a_round_thing_has_no_main_axis():
    rows, columns = np.mgrid[:100, :100]
    assert outline(np.hypot(rows - 50, columns - 50) < 30).elongation == pytest.approx(1, abs=0.01)


def test_specks_do_not_count_and_a_thing_in_two_halves_does():
    board = Board()
    clean = outline(board.mask)
    board.mask[5:8, 5:8] = True
    assert outline(board.mask) == clean
    halves = np.zeros((40, 100), bool)
    halves[10:20, 10:40] = halves[10:20, 60:90] = True
    assert outline(halves).length == 80


@pytest.mark.parametrize("lean", [0, 25, 50])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint16])
def test_centroid_axis_and_size_in_space(lean, kind):
    board = Board(lean=lean)
    depth = np.round(board.depth * 1000).astype(kind) if kind is np.uint16 else board.depth.astype(kind)
    found = locate(board.mask, depth, CAMERA)
    np.testing.assert_allclose(found.centroid, board.surface, atol=0.001)
    assert angle_between(found.axis, board.axis) < 2
    assert np.linalg.norm(found.axis) == pytest.approx(1)
    assert found.length == pytest.approx(board.length, rel=0.05)
    assert found.width == pytest.approx(board.width, rel=0.12)
    assert found.trusted > 0.99
    assert found.outline == outline(board.mask)


def spoiled(board: Board, how: str, rng: np.random.Generator) -> np.ndarray:
    """The board's depth as cameras spoil it."""
    depth = board.depth + rng.normal(0, 0.002, SIZE)
    columns = np.nonzero(board.mask.any(axis=0))[0]
    if how == "scattered holes":
        depth[rng.random(SIZE) < 0.6] = 0
    elif how == "one side missing":
        depth[:, columns[0] : columns[0] + len(columns) // 3] = np.nan
    elif how == "background bleeds in from one side":
        depth[:, columns[-1] - len(columns) // 3 :] = 1.5
    elif how == "wild values":
        wild = rng.random(SIZE) < 0.4
        depth[wild] = rng.uniform(0.2, 8, SIZE)[wild]
    elif how == "infinite":
        depth[rng.random(SIZE) < 0.3] = np.inf
    return depth


@pytest.mark.parametrize(
    "how", ["noise", "scattered holes", "one side missing", "background bleeds in from one side", "wild values", "infinite"]
)
@pytest.mark.parametrize("lean", [0, 40])
def test_holes_and_outliers_do_not_pull_the_centroid_aside(how, lean):
    board = Board(lean=lean)
    depth = spoiled(board, how, np.random.default_rng(0))
    found = locate(board.mask, depth, CAMERA)
    error = np.linalg.norm(found.centroid - board.surface)
    assert error < 0.004
    assert angle_between(found.axis, board.axis) < 4
    naive = depth[board.mask & np.isfinite(depth)].mean()
    if how in ("scattered holes", "background bleeds in from one side", "wild values"):
        assert abs(naive - board.surface[2]) > 10 * error, "a plain mean is pulled aside: the test is hard enough"
        assert found.trusted < 0.8


def test_a_mask_that_is_too_large_does_not_reach_the_wall():
    board = Board()
    grown = np.zeros(SIZE, bool)
    for shift in range(-5, 6):
        grown |= np.roll(board.mask, shift, axis=1) | np.roll(board.mask, shift, axis=0)
    found = locate(grown, board.depth, CAMERA)
    np.testing.assert_allclose(found.centroid, board.surface, atol=0.003)


def test_the_visible_side_of_a_ball_is_found():
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    x, y = (columns - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy
    radius, distance = 0.05, 0.6
    a, b, c = x**2 + y**2 + 1, -2 * distance, distance**2 - radius**2  # the ray (x, y, 1) z meets the ball at (0, 0, distance)
    inside = b**2 - 4 * a * c
    mask = inside > 0
    depth = np.where(mask, (-b - np.sqrt(np.maximum(inside, 0))) / (2 * a), 1.5)
    found = locate(mask, depth, CAMERA)
    np.testing.assert_allclose(found.centroid[:2], 0, atol=0.001)
    assert distance - radius < found.centroid[2] < distance
    assert found.width == pytest.approx(2 * radius, rel=0.1)


def test_intrinsics_come_from_a_camera_matrix():
    matrix = np.array([[600, 0, 319.5], [0, 590, 239.5], [0, 0, 1]])
    assert Intrinsics.of_matrix(matrix) == Intrinsics.of_matrix(matrix.ravel().tolist()) == CAMERA
    np.testing.assert_allclose(
        CAMERA.points(np.array([[319.5, 239.5], [919.5, 239.5]]), np.array([2.0, 2.0])), [[0, 0, 2], [2, 0, 2]]
    )


@pytest.mark.parametrize("values", [(0, 590, 1, 1), (600, float("nan"), 1, 1), (-1, 590, 1, 1), (600, 590, float("inf"), 1)])
def test_bad_intrinsics_are_refused(values):
    with pytest.raises(GeometryError, match="focal lengths above 0"):
        Intrinsics(*values)


def test_what_cannot_be_measured_is_refused():
    board = Board()
    with pytest.raises(GeometryError, match=r"shape \[2\]; expected 3 x 3"):
        Intrinsics.of_matrix([1, 2])
    with pytest.raises(GeometryError, match=r"mask is empty.*result\.found"):
        outline(np.zeros(SIZE, bool))
    for mask in (board.mask.astype(np.uint8), board.mask[None], None):
        with pytest.raises(GeometryError, match="expected a numpy array of bool"):
            outline(mask)
    for depth in (board.depth[:-1], board.depth.astype(np.int32), None):
        with pytest.raises(GeometryError, match=r"expected \[480, 640\].*Align it"):
            locate(board.mask, depth, CAMERA)
    for nothing in (0.0, np.nan, -1.0):
        with pytest.raises(GeometryError, match=r"0 of the mask's \d+ pixels have a depth; expected 10"):
            locate(board.mask, np.full(SIZE, nothing), CAMERA)


@pytest.mark.parametrize(
    ("scale", "dtype"), [(1000, np.float32), (1000, np.float64), (0.001, np.float32), (1, np.uint16), (100, np.float32)]
)
def test_depth_in_another_unit_is_refused_and_says_so(scale, dtype):
    board = Board(centre=(0.1, -0.05, 1.6))
    depth = (board.depth * scale).astype(dtype) if dtype != np.uint16 else np.full(SIZE, 2, np.uint16)
    with pytest.raises(DepthUnitError, match=r"The median depth within the mask is .* m; expected 0\.01 to 100 m"):
        locate(board.mask, depth, CAMERA)


def test_pieces_lower_the_trust():
    board = Board(lean=0, turn=0)
    alone = locate(board.mask, board.depth, CAMERA)
    assert alone.trusted == pytest.approx(1, abs=0.02)
    assert locate(board.mask, board.depth, CAMERA, pieces=2).trusted == alone.trusted / 2
    parted = board.mask.copy()
    columns = np.flatnonzero(board.mask.any(axis=0))
    parted[:, int(columns.mean()) - 3 : int(columns.mean()) + 3] = False
    assert locate(parted, board.depth, CAMERA).trusted == pytest.approx(0.5, abs=0.02)


def test_masked_arrays_are_refused():
    board = Board()
    with pytest.raises(GeometryError, match="masked array"):
        locate(board.mask, np.ma.masked_equal(board.depth, 1.5), CAMERA)
    with pytest.raises(GeometryError, match="expected"):
        outline(np.ma.masked_array(board.mask))


@pytest.mark.parametrize("length", [1, 2, 5, 30])
def test_a_bar_of_one_pixel_has_the_elongation_of_its_length(length):
    mask = np.zeros((40, 50), bool)
    mask[7, 3 : 3 + length] = True
    found = outline(mask)
    assert (found.length, found.width) == pytest.approx((length, 1))
    assert found.elongation == pytest.approx(length)  # a row of n squares has n^2/12 along and 1/12 across as variances
    assert found.centre == (3 + length / 2, 7.5)


def test_an_upright_bar_has_an_angle_of_90_degrees_and_a_diagonal_one_of_45():
    mask = np.zeros((40, 50), bool)
    mask[5:30, 7:9] = True
    assert outline(mask).angle == pytest.approx(90)
    assert outline(np.eye(30, dtype=bool)).angle == pytest.approx(45)
    assert outline(np.eye(30, dtype=bool)[::-1]).angle == pytest.approx(-45)


def test_a_piece_of_a_twentieth_counts_and_a_smaller_one_is_a_speck():
    mask = np.zeros((60, 100), bool)
    mask[10:30, 10:30] = True  # 400 pixels
    alone = outline(mask)
    mask[40:44, 60:65] = True  # 20 pixels
    assert outline(mask).centre != alone.centre
    mask[40, 60] = False
    assert outline(mask) == alone


def test_pixels_that_touch_at_a_corner_are_one_piece():
    mask = np.zeros((60, 100), bool)
    mask[10:30, 10:30] = True
    mask[30, 30] = True
    assert outline(mask).centre != (20, 20)


def flat(depth: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A mask of 20 x 20 pixels and a wall at one depth."""
    mask = np.zeros(SIZE, bool)
    mask[200:220, 300:320] = True
    return mask, np.full(SIZE, depth)


@pytest.mark.parametrize(("size", "pieces"), [((4, 10), 2), ((3, 13), 1)])
def test_a_piece_of_a_tenth_may_be_another_object_and_a_smaller_one_is_a_part(size, pieces):
    mask, depth = flat()
    mask[300 : 300 + size[0], 400 : 400 + size[1]] = True  # 40 or 39 of 400 pixels
    assert locate(mask, depth, CAMERA).trusted == pytest.approx(1 / pieces)


def test_trust_is_divided_by_the_larger_number_of_pieces():
    mask, depth = flat()
    mask[300:310, 400:410] = True
    assert locate(mask, depth, CAMERA, pieces=1).trusted == pytest.approx(1 / 2)
    assert locate(mask, depth, CAMERA, pieces=3).trusted == pytest.approx(1 / 3)


def test_ten_pixels_with_depth_are_enough_and_nine_are_not():
    mask, depth = flat()
    depth[mask] = 0
    depth[205, 305:315] = 1
    assert locate(mask, depth, CAMERA).trusted == pytest.approx(10 / 400)
    depth[205, 305] = 0
    with pytest.raises(GeometryError, match="9 of the mask's 400 pixels have a depth; expected 10 at least"):
        locate(mask, depth, CAMERA)


def test_a_difference_of_less_than_a_hundredth_is_never_an_outlier():
    mask, depth = flat()
    depth[200:202, 300:320] = 1.008
    assert locate(mask, depth, CAMERA).trusted == 1
    depth[200:202, 300:320] = 1.012
    assert locate(mask, depth, CAMERA).trusted == pytest.approx(0.9)


def test_depths_beyond_three_and_a_half_deviations_are_outliers():
    mask, depth = flat()
    checked = np.indices(SIZE).sum(axis=0) % 2 == 0
    depth[mask & checked], depth[mask & ~checked] = 1.02, 0.98  # so the deviation is 1.4826 x 0.02, and the limit 0.104
    depth[203:217:4, 303:317:4] = 1.08
    assert locate(mask, depth, CAMERA).trusted == 1
    depth[203:217:4, 303:317:4] = 1.15
    assert locate(mask, depth, CAMERA).trusted == pytest.approx(1 - 16 / 400)


@pytest.mark.parametrize("depth", [0.01, 100.0])
def test_the_nearest_and_the_farthest_depth_are_taken(depth):
    mask, depths = flat(depth)
    assert locate(mask, depths, CAMERA).centroid[2] == pytest.approx(depth)


@pytest.mark.parametrize(
    ("depth", "kind", "hint"),
    [
        (1600, np.float32, r"pass depth / 1000, or the uint16 image as it is\.$"),
        (2, np.uint16, r"A uint16 depth image is read as millimetres: pass one in other units as float, in metres\.$"),
        (0.002, np.float64, r"Pass depth in metres as float, or in millimetres as uint16\.$"),
    ],
)
def test_the_hint_fits_the_kind_of_depth(depth, kind, hint):
    mask, _ = flat()
    with pytest.raises(DepthUnitError, match=hint):
        locate(mask, np.full(SIZE, depth, kind), CAMERA)


def test_sizes_in_space_are_those_of_whole_pixels():
    mask, depth = flat(1.2)
    mask[200:220, 320:340] = True  # 20 x 40 pixels of 1.2/600 and 1.2/590 m
    found = locate(mask, depth, CAMERA)
    assert found.length == pytest.approx(40 * 1.2 / 600, rel=0.002)
    assert found.width == pytest.approx(20 * 1.2 / 590, rel=0.002)
    assert angle_between(found.axis, np.array([1.0, 0, 0])) < 0.01
    np.testing.assert_allclose(found.centroid, [0, (209.5 - 239.5) / 590 * 1.2, 1.2], atol=1e-9)


def test_a_hole_is_filled_from_the_plane_and_what_was_seen_stays_as_it_is():
    mask, depth = flat()
    rows, columns = np.indices(SIZE)
    depth = 1 / (1 + 0.002 * (columns - 300))  # a plane is linear in the inverse
    whole = locate(mask, depth, CAMERA)
    holes = depth.copy()
    holes[:, 310:] = 0
    filled = locate(mask, holes, CAMERA)
    np.testing.assert_allclose(filled.centroid, whole.centroid, atol=1e-9)
    assert filled.trusted == pytest.approx(0.5)
    bumpy = depth + np.where((rows + columns) % 4 == 0, 0.003, 0)  # too little to be an outlier: it counts as it was seen
    assert locate(mask, bumpy, CAMERA).centroid[2] == pytest.approx(whole.centroid[2] + 0.003 / 4, abs=1e-5)


def test_a_plane_that_leans_away_is_not_followed_far_beyond_what_was_seen():
    mask = np.zeros(SIZE, bool)
    mask[200:220, 300:400] = True
    columns = np.indices(SIZE)[1]
    depth = np.where(columns < 320, 1 / (1 - 0.02 * (columns - 300)), 0)  # the plane is infinitely far at column 350
    found = locate(mask, depth, CAMERA)
    farthest = 1.25 * depth.max()
    assert found.centroid[2] == pytest.approx((depth[200, 300:320].sum() + _beyond(farthest)) / 100, rel=0.001)


def _beyond(farthest: float) -> float:
    """Sum of the plane's depths in columns 320 to 399, limited."""
    inverse = 1 - 0.02 * (np.arange(320, 400) - 300)
    return float((1 / np.maximum(inverse, 1 / farthest)).sum())


@pytest.mark.parametrize("size", [(0, 50), (40, 0), (0, 0), (40, 50)])
def test_a_mask_without_a_pixel_is_refused_and_crashes_nothing(size):
    with pytest.raises(GeometryError, match="The mask is empty"):
        locate(np.zeros(size, bool), np.ones(size, np.float32), Intrinsics(50, 50, 25, 20))


@pytest.mark.parametrize("values", [("a", 1, 1, 1), (None, None, None, None), (1, 1, [2], 1)])
def test_intrinsics_that_are_no_numbers_are_refused(values):
    with pytest.raises(GeometryError, match="expected finite numbers"):
        Intrinsics(*values)


@pytest.mark.parametrize("intrinsics", [None, np.eye(3), (600, 590, 319.5, 239.5)])
def test_intrinsics_of_another_type_are_refused_with_the_way_to_make_them(intrinsics):
    board = Board()
    with pytest.raises(GeometryError, match=r"The intrinsics are of the type .*; expected Intrinsics.*of_matrix\(K\)"):
        locate(board.mask, board.depth, intrinsics)


@pytest.mark.parametrize("matrix", ["abc", [1, [2]], {}, [["a"] * 3] * 3, [1, 2j, 3, 4, 5, 6, 7, 8, 9]])
def test_a_camera_matrix_that_is_not_of_numbers_is_refused(matrix):
    with pytest.raises(GeometryError, match="The camera matrix is not of numbers"):
        Intrinsics.of_matrix(matrix)


@pytest.mark.parametrize("pieces", [None, "2", -1, 1.5, float("nan")])
def test_a_number_of_pieces_that_is_none_is_refused(pieces):
    board = Board()
    with pytest.raises(GeometryError, match="pieces is .*; expected a whole number"):
        locate(board.mask, board.depth, CAMERA, pieces)
