import os
import stat

import onnxruntime
import pytest

from isfp.bundle.bundle import Bundle
from isfp.errors import RuntimeUnavailableError
from isfp.runtimes import choose
from isfp.runtimes.onnxruntime_providers import CHAINS, CPU, TENSORRT, TENSORRT_RTX, chain, options


@pytest.fixture
def bundle(colour_bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Bundle.open(colour_bundle)


def test_every_chain_ends_on_the_cpu_so_that_operators_that_a_provider_lacks_run():
    assert all(chain(name)[-1] == CPU for name in CHAINS)


def test_profiles_name_the_inputs_whose_shape_changes_for_the_phrases_that_engines_take(bundle):
    mask = options(TENSORRT, bundle, bundle.manifest.stages["mask"])
    assert mask["trt_profile_min_shapes"] == mask["trt_profile_opt_shapes"] == "phrases:1x3,cells:1x1"
    assert mask["trt_profile_max_shapes"] == "phrases:8x3,cells:8x3"
    text = options(TENSORRT_RTX, bundle, bundle.manifest.stages["text"])
    assert text["nv_profile_max_shapes"] == "words:8x6,lengths:8"
    image = options(TENSORRT, bundle, bundle.manifest.stages["image"])
    assert not any("profile" in name for name in image)
    assert options(CPU, bundle, bundle.manifest.stages["mask"]) == {}


def test_built_engines_are_kept_where_only_the_user_can_write_and_for_this_bundle_alone(bundle, tmp_path):
    folder = options(TENSORRT, bundle, bundle.manifest.stages["mask"])["trt_engine_cache_path"]
    assert folder.startswith(str(tmp_path))
    assert bundle.manifest.fields["sha256"][:16] in folder
    if os.name == "posix":
        assert stat.S_IMODE(os.stat(folder).st_mode) & 0o077 == 0


@pytest.mark.parametrize("name", ["cuda", "tensorrt", "tensorrt-rtx"])
def test_a_provider_that_this_onnx_runtime_lacks_is_refused_with_those_that_it_has(name):
    if chain(name)[0] in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has it")
    with pytest.raises(RuntimeUnavailableError, match=rf"{chain(name)[0]}.*CPUExecutionProvider"):
        choose(f"onnxruntime:{name}")
