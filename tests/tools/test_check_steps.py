import json
import os
import sys
import time

import pytest

from check_steps import Check, Step, render

SAY = [sys.executable, "-c"]


@pytest.fixture
def check(tmp_path):
    return Check("check", tmp_path / "out", {"gpu": "none"})


def report_of(check):
    return json.loads((check.out / "report.json").read_text())


def test_a_step_keeps_what_it_said_and_its_result(check):
    step = check.run("good", [*SAY, "print('hello'); print('{\"a\": 1}')"], keep="json")
    assert (step.state, step.result) == ("passed", {"a": 1})
    assert "hello" in step.output


def test_a_line_after_the_result_loses_nothing(check):
    said = "print('{\"a\": 1}'); print('a destructor says goodbye'); print('[1]'); print()"
    assert check.run("talkative", [*SAY, said], keep="json").result == {"a": 1}


@pytest.mark.parametrize("said", ["", "print('no json')", "print('[1]')"])
def test_a_step_without_its_result_has_failed_and_the_report_is_written(check, said):
    step = check.run("silent", [*SAY, said], keep="json")
    assert (step.state, step.reason) == ("failed", "it printed no line that is a JSON object")
    assert report_of(check)["steps"][0]["state"] == "failed"


def test_rows_are_kept_of_a_step_that_failed_later(check):
    step = check.run("rows", [*SAY, "print('{\"a\": 1}'); print('{\"a\": 2}'); raise SystemExit(1)"], keep="rows")
    assert (step.state, step.result) == ("failed", {"rows": [{"a": 1}, {"a": 2}]})


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ([*SAY, "import sys; print('why'); sys.exit(3)"], "exit code 3"),
        ([*SAY, "raise SystemExit(77)"], "exit code 77"),  # "no GPU" is a failure of a check that saw one
        ([*SAY, "import time; print('so far', flush=True); time.sleep(20)"], "did not end within 3 s"),
        (["no-such-program"], "cannot be started"),
    ],
)
def test_a_step_that_fails_says_how_and_keeps_what_it_said(check, command, reason):
    step = check.run("bad", command, limit=3)
    assert step.state == "failed"
    assert reason in step.reason
    assert reason != "did not end within 3 s" or "so far" in step.output
    assert check.exit_code == 1


def test_what_a_step_started_ends_with_it(check, tmp_path):
    child = f"import pathlib, time; time.sleep(3); pathlib.Path({str(tmp_path / 'late')!r}).touch()"
    check.run("parent", [*SAY, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"], limit=1)
    time.sleep(3)
    assert not (tmp_path / "late").exists()


def test_a_step_is_not_run_after_one_that_failed_or_without_what_it_needs(check, tmp_path):
    touch = [*SAY, f"open({str(tmp_path / 'run')!r}, 'w')"]
    after = check.run("next", touch, after=[Step("a", "passed"), Step("b", "failed")])
    assert (after.state, after.reason) == ("skipped", "'b' did not pass")
    without = check.run("other", touch, needs=["nvcc was not found (the CUDA toolkit)"])
    assert (without.state, without.reason) == ("skipped", "nvcc was not found (the CUDA toolkit)")
    assert not (tmp_path / "run").exists()
    assert check.exit_code == 2  # nothing could be run
    check.run("good", [*SAY, ""])
    assert check.exit_code == 0


def test_the_report_is_there_after_every_step_also_if_the_check_is_interrupted(check):
    assert report_of(check)["steps"] == []
    check.run("one", [*SAY, ""])
    assert [step["name"] for step in report_of(check)["steps"]] == ["one"]
    with pytest.raises(KeyboardInterrupt):
        check.run("two", [*SAY, ""], environment=Interrupting())
    assert [step["name"] for step in report_of(check)["steps"]] == ["one"]
    assert "| one | passed |" in (check.out / "report.md").read_text()


class Interrupting(dict):
    def __bool__(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("body", "state", "passed"),
    [
        ("def test_a(): pass\n@pytest.mark.skip\ndef test_b(): pass", "passed", 1),
        ("@pytest.mark.skip\ndef test_b(): pass", "failed", 0),
        ("def test_a(): assert 0", "failed", 0),
    ],
)
def test_a_run_in_which_all_tests_were_skipped_has_failed(check, tmp_path, body, state, passed):
    tests = tmp_path / "test_it.py"
    tests.write_text(f"import pytest\n{body}\n")
    step = check.pytest("tests", tests, {})
    assert (step.state, step.result["passed"]) == (state, passed)
    assert report_of(check)["steps"][0]["result"]["passed"] == passed


def test_a_folder_that_it_did_not_make_is_left_alone(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "thesis.tex").write_text("years")
    for target in (work, work / "thesis.tex"):
        with pytest.raises(SystemExit, match="is not empty, and check did not make it. Give another folder"):
            Check("check", target, {})
    assert (work / "thesis.tex").read_text() == "years"
    for _ in range(2):  # a new folder, and its own of before
        check = Check("check", tmp_path / "deep" / "out", {})
        assert check.out.is_dir()


def test_the_report_shows_states_reasons_latency_scans_and_what_failed():
    timing = {"median": 1.25}
    scan = {"phrases": 1, "channels": 64, "numbers": "FP16", "path": "fast", "slice": 64, "slices": 1, "groups": 1, "launches": 1}
    scans = [
        {**scan, "chosen": True, "eager_us": [9.0, 10.0, 11.0], "graph_us": [7.0, 8.0, 9.0]},
        {**scan, "phrases": 4, "groups": 4, "launches": 2, "chosen": False, "eager_us": [9.0, 12.0, 13.0]},
        {"phrases": 1, "channels": 64, "numbers": "FP16", "path": "PyTorch eager", "failed": "graph_us: RuntimeError: no"},
    ]
    result = {
        "how": "interleaved",
        "stages": {"image": {"tensorrt:fp16": timing, "PyTorch": timing}, "frame": {"tensorrt:fp16": timing}},
    }
    steps = [
        Step("build", "passed", seconds=3.0),
        Step("tests", "failed", "exit code 1", "pytest x", output="AssertionError: 1 != 2"),
        Step("bench", "passed", result=result),
        Step("scan", "passed", result={"rows": scans}),
    ]
    text = render({"title": "gpu-check", "machine": {"gpu": "Orin"}, "steps": [step.__dict__ for step in steps]})
    assert "- gpu: Orin" in text
    assert "| build | passed | 3.0 |" in text
    assert "| tests | failed | 0.0 | exit code 1 |" in text
    assert "| image | 1.250 | 1.250 |" in text
    assert "| frame | 1.250 | - |" in text
    assert "| FP16 | 64 | 1 | **fast 64 × 1, 1 group, 1 launch** | 10.0 | 8.0 |" in text
    assert "| FP16 | 64 | 4 | fast 64 × 1, 4 groups, 2 launches | 12.0 | - |" in text
    assert "| FP16 | 64 | 1 | PyTorch eager (graph_us: RuntimeError: no) | - | - |" in text
    assert "AssertionError: 1 != 2" in text


def test_results_of_an_unexpected_form_do_not_break_the_report(check):
    check.run("odd", [*SAY, "print('{\"stages\": {}}')"], keep="json")
    assert os.path.getsize(check.out / "report.md") > 0
