"""A number of a wrong kind or out of range is an error that says what is expected, never one of a library far below."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from isfp import IsfpError
from isfp.steps.arguments import number_between, whole_number


@pytest.mark.parametrize("value", [0, 1, 0.5, True, np.float32(0.5), np.array(0.5), Decimal("0.5")])
def test_numbers_of_any_kind_are_taken(value):
    assert number_between("x", value, 0, 1, "a share") == float(value)


@pytest.mark.parametrize(
    "value", [-0.1, 1.1, float("nan"), float("inf"), 10**400, "0.5", b"1", 1j, None, [0.5], [], np.array([0.1, 0.2]), object()]
)
def test_what_is_no_number_in_range_is_refused_by_name(value):
    with pytest.raises(IsfpError, match=r"^The share is .*; expected a share\.$"):
        number_between("The share", value, 0, 1, "a share")


@pytest.mark.parametrize("value", [0, 3, True, np.int64(2), np.uint8(1)])
def test_whole_numbers_of_any_kind_are_taken(value):
    assert whole_number("x", value, 0, 3) == int(value)


@pytest.mark.parametrize("value", [-1, 4, 10**30, 2.0, "2", None, float("nan"), [2], np.float32(2)])
def test_what_is_no_whole_number_in_range_is_refused_by_name(value):
    with pytest.raises(IsfpError, match=r"^The count is .*; expected a whole number, from 0 to 3\.$"):
        whole_number("The count", value, 0, 3)


def test_without_an_upper_limit_any_larger_number_is_taken():
    assert whole_number("x", 10**30, 1) == 10**30
    with pytest.raises(IsfpError, match=r"x is 0; expected a whole number, 1 or more\."):
        whole_number("x", 0, 1)


def test_a_wrong_value_is_shown_with_its_type_and_by_its_beginning():
    with pytest.raises(IsfpError, match=r"x is '0\.5' \(str\); expected"):
        number_between("x", "0.5", 0, 1, "a share")
    with pytest.raises(IsfpError) as error:
        number_between("x", "\x1b" * 1000, 0, 1, "a share")
    assert len(str(error.value)) < 120
    assert "\x1b" not in str(error.value)
