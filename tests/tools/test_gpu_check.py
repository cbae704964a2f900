import json
import subprocess
import sys

import pytest

import gpu_steps
from gpu_steps import Step, pytest_step, render, run_step
from isfp.engines.gpu import first_gpu
from tests.paths import ROOT

TOOLS = ROOT / "tools"

SAY = [sys.executable, "-c"]


@pytest.mark.skipif(first_gpu() is not None, reason="this machine has a GPU")
def test_the_check_refuses_a_machine_without_a_gpu_with_reasons_and_remedies(tmp_path):
    command = [sys.executable, str(TOOLS / "gpu_check.py"), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("gpu-check cannot run here:")
    assert "there is no NVIDIA GPU" in done.stderr
    assert "isfp doctor" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(first_gpu() is not None, reason="this machine has a GPU")
def test_the_gpu_benchmark_says_that_there_is_nothing_to_measure(colour_bundle):
    done = subprocess.run([sys.executable, str(TOOLS / "benchmark_gpu.py"), str(colour_bundle)], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no engine that fits here" in done.stderr


def test_a_step_keeps_what_it_said_and_its_result():
    step = run_step("good", [*SAY, "print('hello'); print('{\"a\": 1}')"], keep="json")
    assert (step.state, step.result) == ("passed", {"a": 1})
    assert "hello" in step.output


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ([*SAY, "import sys; print('why'); sys.exit(3)"], "exit code 3"),
        ([*SAY, "import time; time.sleep(20)"], "did not end within 1 s"),
        (["no-such-program"], "cannot be started"),
    ],
)
def test_a_step_that_fails_says_how(command, reason):
    step = run_step("bad", command, limit=1)
    assert step.state == "failed"
    assert reason in step.reason


def test_a_step_that_builds_on_a_failed_one_is_not_run():
    step = run_step("next", [*SAY, "raise SystemExit(1)"], after=[Step("a", "passed"), Step("b", "failed")])
    assert (step.state, step.reason) == ("skipped", "'b' did not pass")


@pytest.mark.parametrize(
    ("body", "state", "passed"),
    [
        ("def test_a(): pass\n@pytest.mark.skip\ndef test_b(): pass", "passed", 1),
        ("@pytest.mark.skip\ndef test_b(): pass", "failed", 0),
        ("def test_a(): assert 0", "failed", 0),
    ],
)
def test_a_run_in_which_all_tests_were_skipped_has_failed(tmp_path, body, state, passed):
    tests = tmp_path / "test_it.py"
    tests.write_text(f"import pytest\n{body}\n")
    step = pytest_step("tests", tests, tmp_path / "report.xml", {})
    assert (step.state, step.result["passed"]) == (state, passed)


def test_the_report_shows_states_reasons_latency_and_what_failed():
    timing = {"median": 1.25}
    result = {
        "how": "interleaved",
        "stages": {"image": {"tensorrt:fp16": timing, "PyTorch": timing}, "frame": {"tensorrt:fp16": timing}},
    }
    steps = [
        Step("build", "passed", seconds=3.0),
        Step("tests", "failed", "exit code 1", "pytest x", output="AssertionError: 1 != 2"),
        Step("bench", "passed", result=result),
    ]
    report = json.loads(json.dumps({"machine": gpu_steps.machine_facts(), "steps": [step.to_json() for step in steps]}))
    text = render(report)
    assert "| build | passed | 3.0 |" in text
    assert "| tests | failed | 0.0 | exit code 1 |" in text
    assert "| image | 1.250 | 1.250 |" in text
    assert "| frame | 1.250 | - |" in text
    assert "AssertionError: 1 != 2" in text
