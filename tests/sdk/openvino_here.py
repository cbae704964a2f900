"""What OpenVINO computes in on this machine's CPU, for tests that need a precision."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def capabilities() -> list[str]:
    """OpenVINO's names, such as "BF16"; none where it is not installed."""
    if find_spec("openvino") is None:
        return []
    import openvino

    return openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


CAPABILITIES = capabilities()
needs_openvino = pytest.mark.skipif(not CAPABILITIES, reason='OpenVINO is not installed: pip install "isfp[openvino]"')
needs_int8 = pytest.mark.skipif("INT8" not in CAPABILITIES, reason="OpenVINO is not installed, or this CPU has no INT8 in it")
needs_bf16 = pytest.mark.skipif("BF16" not in CAPABILITIES, reason="OpenVINO is not installed, or this CPU has no bf16")
