import json
import subprocess
import sys

import pytest

import mutate
from mutations import mutations
from tests.paths import ROOT

TOOL = ROOT / "tools" / "mutate.py"


def run(*arguments):
    return subprocess.run([sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.slow
def test_mutants_are_tried_in_a_copy_counted_and_not_tried_again(tmp_path):
    module = ROOT / "sdk" / "isfp" / "steps" / "contrast.py"
    before = module.read_bytes()
    arguments = ["--module", "steps/contrast", "--sample", 2, "--least", 0, "--out", tmp_path]
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "results.json").read_text())
    (counted,) = report["modules"]
    assert counted["tests"][0] == "tests/sdk/steps/test_contrast.py"
    assert len(counted["mutants"]) == 2
    assert {mutant["outcome"] for mutant in counted["mutants"]} <= {mutate.KILLED, mutate.SURVIVED, mutate.TIMED_OUT}
    assert module.read_bytes() == before
    tried = (tmp_path / "tried.json").stat().st_mtime_ns
    assert run(*arguments).returncode == 0
    assert (tmp_path / "tried.json").stat().st_mtime_ns == tried


def test_an_unknown_module_is_refused(tmp_path):
    done = run("--module", "steps/nothing", "--out", tmp_path)
    assert done.returncode == 1
    assert "sdk/isfp/steps/nothing.py does not exist; expected a module such as steps/letterbox" in done.stderr


def test_the_tests_of_a_module_are_its_mirror_first_and_those_beside_it_that_import_it():
    tests = mutate.tests_of("steps/lookup", ROOT)
    assert tests[0] == "tests/sdk/steps/test_lookup.py"
    assert "tests/sdk/steps/test_rivals.py" in tests
    assert "tests/sdk/steps/test_phrase.py" not in tests


@pytest.mark.parametrize("module", mutate.MODULES)
def test_every_module_has_tests_and_its_equivalent_mutants_exist(module):
    source = (ROOT / mutate.SDK / f"{module}.py").read_bytes()
    assert mutate.tests_of(module, ROOT)
    assert all(mutate.equivalent(module, source, mutations(source)).values())


def test_one_that_survived_is_tried_again_if_its_tests_changed(tmp_path):
    tried = mutate.Tried(tmp_path / "tried.json", fresh=False)
    tried.keep("a", "tests", mutate.SURVIVED)
    tried.keep("b", "tests", mutate.KILLED)
    again = mutate.Tried(tmp_path / "tried.json", fresh=False)
    assert again.outcome("a", "tests") == mutate.SURVIVED
    assert again.outcome("a", "other tests") is None
    assert again.outcome("b", "other tests") == mutate.KILLED
    assert mutate.Tried(tmp_path / "tried.json", fresh=True).outcome("b", "tests") is None


def test_the_score_leaves_equivalent_mutants_out():
    outcomes = [mutate.KILLED, mutate.TIMED_OUT, mutate.SURVIVED, mutate.SURVIVED, mutate.SAME]
    assert mutate.score_of([{"outcome": outcome} for outcome in outcomes]) == 0.5
    assert mutate.score_of([{"outcome": mutate.SAME}]) == 1
