"""The parsers of tools/fuzz_targets.py on a bounded number of inputs: they may only fail with an error of the project's."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.paths import ROOT

pytest.importorskip("starlette", reason='the page needs pip install "isfp[web]"')

import fuzz
from fuzz_targets import TARGETS

CHECKED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def changed(draw, seeds):
    """A sound input with some bytes changed, put in or left out."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(content)))
        content[start : start + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(content)


@pytest.mark.parametrize("name", TARGETS)
def test_a_sound_input_is_read(name):
    TARGETS[name].parse(TARGETS[name].seeds()[0])


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", TARGETS)
def test_no_input_crashes_a_parser(name):
    @CHECKED
    @given(st.one_of(st.binary(max_size=200), changed(TARGETS[name].seeds())))
    def check(content):
        TARGETS[name](content)

    check()


def test_the_tool_has_each_target():
    assert list(TARGETS) == list(fuzz.NAMES)


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["manifest", "soon"]])
def test_a_wrong_call_says_how_to_call_it(arguments):
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "fuzz.py"), *arguments], capture_output=True, text=True)
    assert done.returncode == 1
    assert "expected python tools/fuzz.py manifest|bundle" in done.stderr
