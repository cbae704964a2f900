import json
import subprocess
import sys

import pytest

import kernel_check
from check_steps import Check
from isfp.engines.gpu import Gpu, first_gpu
from tests.paths import ROOT
from tests.plugins.plugin_builds import nvcc
from tests.sdk.runtimes.host_driver import HostDriver
from tests.tools.fake_tools import FakeTools

ORIN = Gpu("Orin", "87", "12.6", None)


@pytest.fixture
def tools(tmp_path, monkeypatch):
    tools = FakeTools(tmp_path / "tools")
    monkeypatch.setenv("PATH", f"{tools.folder}:/usr/bin:/bin")
    monkeypatch.setattr(kernel_check, "torch_without_cuda", lambda: ["PyTorch cannot use this GPU: no CUDA"])
    return tools


@pytest.fixture
def check(tmp_path):
    return Check("kernel-check", tmp_path / "out", {})


def states(check):
    return {step.name: step.state for step in check.steps}


def test_all_steps_run_in_order_and_the_times_are_in_the_report(tools, check):
    kernel_check.kernel_steps(check, ORIN)
    assert states(check) == {
        "compile fpm_device_test": "passed",
        "compile fpm_device_bench": "passed",
        "compile frame_device_test": "passed",
        "kernels on the GPU against the host": "passed",
        "letterbox and masks on the GPU against the host": "passed",
        "compute-sanitizer memcheck": "passed",
        "compute-sanitizer racecheck": "passed",
        "compute-sanitizer synccheck": "passed",
        "compute-sanitizer initcheck": "passed",
        "time of the scan": "passed",
        "time of the scan in PyTorch": "skipped",
    }
    assert check.exit_code == 0
    assert "-gencode=arch=compute_87,code=sm_87" in check.steps[0].command
    assert check.steps[8].command.endswith("fpm_device_test few unfilled")
    assert "| FP16 | 64 | 1 | fast | 2.0 | 1.5 |" in (check.out / "report.md").read_text()


@pytest.mark.parametrize("code", [1, 77])
def test_a_test_that_fails_or_sees_no_gpu_fails_the_check_and_nothing_is_timed(tools, check, code):
    tools.program("fpm_device_test", f"echo no GPU; exit {code}")
    kernel_check.kernel_steps(check, ORIN)
    assert states(check)["kernels on the GPU against the host"] == "failed"
    assert states(check)["time of the scan"] == "skipped"
    assert check.exit_code == 1
    assert f"exit code {code}" in (check.out / "report.md").read_text()


def test_nothing_runs_that_was_not_compiled(tools, check):
    tools.program("nvcc", "echo no such architecture >&2; exit 1")
    kernel_check.kernel_steps(check, ORIN)
    assert [step.state for step in check.steps] == ["failed"] * 3 + ["skipped"] * 8
    assert "no such architecture" in (check.out / "report.md").read_text()


def test_without_compute_sanitizer_its_steps_say_so(tools, check):
    (tools.folder / "compute-sanitizer").unlink()
    kernel_check.kernel_steps(check, ORIN)
    assert states(check)["compute-sanitizer memcheck"] == "skipped"
    assert states(check)["time of the scan"] == "passed"
    assert "compute-sanitizer is not installed" in (check.out / "report.md").read_text()


def test_a_gpu_that_nvcc_does_not_know_gets_intermediate_code(tools):
    assert "-gencode=arch=compute_80,code=compute_80" in kernel_check.compile_command("fpm_device_test", tools.folder, "130")


@pytest.mark.parametrize(
    ("gpu", "reason"), [(None, "there is no NVIDIA GPU"), (Gpu("RTX 2080", "75", "12.6", None), "the kernels need SM 80")]
)
def test_a_machine_whose_gpu_cannot_run_the_kernels_is_refused(gpu, reason, monkeypatch, capsys):
    monkeypatch.setattr(kernel_check, "first_gpu", lambda: gpu)
    monkeypatch.setattr(sys, "argv", ["kernel_check.py"])
    with pytest.raises(SystemExit) as refused:
        kernel_check.main()
    assert refused.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        ({}, 0, "Orin, SM 87, CUDA up to 13.0"),
        ({"ISFP_DRIVER_FAIL": "cuInit:100"}, 2, "there is no NVIDIA GPU"),  # CUDA_ERROR_NO_DEVICE
    ],
)
def test_a_gpu_counts_if_the_driver_shows_it_whatever_is_under_dev(tmp_path, environment, code, said):
    program = f"import runpy, sys; sys.argv[1:] = ['--gpu']; sys.path[:0] = [{str(ROOT / 'tools')!r}]\n"
    program += f"code = 0\ntry: runpy.run_path({str(ROOT / 'tools' / 'kernel_check.py')!r}, run_name='__main__')\n"
    program += "except SystemExit as ended: code = ended.code\nprint('exit code', code)"
    ran = HostDriver(tmp_path).run(program, **environment)
    assert said in ran.printed + ran.said
    assert ran.printed.endswith(f"exit code {code}\n")


@pytest.mark.skipif(first_gpu() is not None, reason="this machine has a GPU")
def test_it_starts_without_any_package_and_refuses_a_machine_without_a_gpu(tmp_path):
    command = [sys.executable, "-S", "-E", str(ROOT / "tools" / "kernel_check.py"), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("kernel-check cannot run here:")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_programs_compile_with_nvcc_alone_and_exit_with_77_where_there_is_no_gpu(tmp_path):
    for name in kernel_check.PROGRAMS:
        subprocess.run(list(map(str, kernel_check.compile_command(name, tmp_path, "86", nvcc()))), check=True)
        if first_gpu() is None:
            done = subprocess.run([tmp_path / name], capture_output=True, text=True)
            assert (done.returncode, done.stdout[:6]) == (77, "no GPU")


def test_pytorchs_scan_is_found_without_the_packages_of_the_sdk(tmp_path):
    pytest.importorskip("torch")
    program = f"""
import json, sys
sys.path[:0] = [{str(ROOT / "tools")!r}]
import torch, scan_in_torch
scan = scan_in_torch.load_scan()
out = scan(*scan_in_torch.inputs(2, 8, torch.float32, "cpu"))
print(json.dumps([list(out.shape), "cv2" in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[2, 13, 13, 8], False]
