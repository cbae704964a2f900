"""The plugin's library in the registry of a real TensorRT: the lean one, whose registry needs no GPU. Each in a process."""

import json
import os
import subprocess
import sys

import pytest

from isfp.errors import EngineMismatchError
from isfp.runtimes import plugin
from tests.paths import ROOT

LEAN = ROOT / "build" / "tensorrt-lean"
BUILT = ROOT / "build" / "plugins" / "lib" / plugin.LIBRARY

PROBE = """
import json, sys, tensorrt_lean
from isfp.errors import EngineMismatchError
from isfp.runtimes import plugin
from pathlib import Path
plugin._CHECKOUT = Path(sys.argv[1])
said = []
for version in sys.argv[2:]:
    try:
        plugin.load_plugin(tensorrt_lean, version)
        said.append("loaded")
    except EngineMismatchError as error:
        said.append([error.field, str(error)])
print(json.dumps(said))
"""


def load(checkout, *versions, **environment):
    path = os.pathsep.join([str(LEAN), str(ROOT / "sdk")])
    command = [sys.executable, "-c", PROBE, str(checkout), *versions]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path, **environment})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def lean_of_this_python():
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    return any(tag in path.read_text() for path in LEAN.glob("*bindings*.dist-info/WHEEL"))


lean = pytest.mark.skipif(
    not lean_of_this_python(), reason="tensorrt_lean is not here for this version of Python; tests/plugins fetches it"
)


@lean
@pytest.mark.skipif(not BUILT.exists(), reason="the plugin is not built: make plugin")
def test_the_library_is_loaded_once_and_another_version_is_refused(tmp_path):
    assert load(ROOT, "1", "1") == ["loaded", "loaded"]
    (field, message), again = load(tmp_path, "2", "1", ISFP_PLUGIN=str(BUILT))
    assert field == "plugin_version"
    assert "does not contain version '2'" in message
    assert again == "loaded"


@lean
def test_a_missing_library_is_an_error_that_says_how_to_build_it(tmp_path):
    ((field, message),) = load(tmp_path, "1", ISFP_PLUGIN="")
    assert field == "plugin"
    assert "make plugin" in message


@lean
def test_a_file_that_is_not_a_library_is_refused(tmp_path):
    (tmp_path / "text.so").write_text("no library")
    ((field, message),) = load(tmp_path, "1", ISFP_PLUGIN=str(tmp_path / "text.so"))
    assert field == "plugin"
    assert "is not a library for this machine" in message


@lean
def test_every_call_that_the_sdk_makes_is_there_in_tensorrt_11():
    pytest.importorskip("tensorrt_rtx")
    from tests.sdk.runtimes.test_plan_engine import CALLS

    code = (
        "import tensorrt_lean as trt\n"
        f"for kind, names in {CALLS!r}.items():\n"
        "    for name in names: getattr(getattr(trt, kind), name)\n"
        "names = {trt.nptype(kind).__name__ for kind in (trt.uint8, trt.int32, trt.float32)}\n"
        "print(names == {'uint8', 'int32', 'float32'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(LEAN)})
    assert done.stdout == "True\n", done.stderr


def test_the_variable_must_name_a_file(monkeypatch):
    monkeypatch.setenv("ISFP_PLUGIN", "/nowhere.so")
    with pytest.raises(EngineMismatchError, match=r"ISFP_PLUGIN is '/nowhere\.so'"):
        plugin.find_library()


def test_a_library_beside_the_engines_is_taken_only_from_a_trusted_place(monkeypatch, tmp_path):
    monkeypatch.delenv("ISFP_PLUGIN", raising=False)
    monkeypatch.setattr(plugin, "_CHECKOUT", tmp_path)
    bundle = tmp_path / "b.isfp"
    assert plugin.find_library(bundle) is None
    (bundle / "engines").mkdir(parents=True)
    library = bundle / "engines" / plugin.LIBRARY
    library.write_bytes(b"")
    assert plugin.find_library(bundle) == library
    library.chmod(0o666)
    with pytest.raises(EngineMismatchError, match="can be written by everyone"):
        plugin.find_library(bundle)
