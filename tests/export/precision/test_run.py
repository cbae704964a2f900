"""The check's runs round every FP16 value, which ONNX Runtime by itself does not."""

from __future__ import annotations

import numpy as np
import onnxruntime

from isfp_export.onnx.tensorrt_graph import cast_bytes_first
from isfp_export.precision.half import to_half
from isfp_export.precision.run import StageSession
from tests.export.small_graphs import chain, frames, picture_net

X = np.float32([1.0, 300.0, 1.0002, 7e-6])


def test_a_value_past_the_range_is_seen_as_infinite() -> None:
    half, _ = to_half(chain(300, 1 / 300))
    found = StageSession(half).run({"x": X}, ["grown", "y"])
    assert np.isinf(found["grown"][1])
    assert np.isinf(found["y"][1])


def test_onnx_runtime_by_itself_hides_it() -> None:
    """If this fails, ONNX Runtime has learnt to compute in FP16, and the rewriting for the check may go."""
    half, _ = to_half(chain(300, 1 / 300))
    session = onnxruntime.InferenceSession(half.SerializeToString(), providers=["CPUExecutionProvider"])
    assert np.isfinite(session.run(None, {"x": X})[0]).all()


def test_rounding_is_that_of_half_down_to_subnormals() -> None:
    half, _ = to_half(chain(3, 0.7))
    found = StageSession(half).run({"x": X}, ["grown", "y"])
    grown = X.astype(np.float16) * np.float16(3)
    np.testing.assert_array_equal(found["grown"], grown.astype(np.float32))
    np.testing.assert_array_equal(found["y"], (grown * np.float16(0.7)).astype(np.float32))


def test_inputs_and_outputs_in_half_take_and_give_float_and_are_rounded() -> None:
    half, _ = to_half(chain(3, 0.7), (), ("x", "y"))
    found = StageSession(half).run({"x": X}, ["grown", "y"])
    grown = X.astype(np.float16) * np.float16(3)
    np.testing.assert_array_equal(found["grown"], grown.astype(np.float32))
    np.testing.assert_array_equal(found["y"], (grown * np.float16(0.7)).astype(np.float32))
    assert found["y"].dtype == np.float32


def test_float_stages_are_not_rounded() -> None:
    model = cast_bytes_first(picture_net())
    (feed,) = frames(1)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(StageSession(model).run(feed)["seen"], session.run(None, feed)[0], rtol=1e-5)


def test_every_float_value_can_be_asked_for() -> None:
    session = StageSession(cast_bytes_first(picture_net()))
    (feed,) = frames(1)
    assert {"scaled", "a", "b", "c", "d", "e", "seen"} <= set(session.values)
    assert session.run(feed, ["d", "b"])["b"].max() <= 6
