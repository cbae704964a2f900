import json
from time import sleep

import pytest

from isfp.errors import IsfpError
from turns import clocked, save, take_turns


def test_tasks_have_turns_and_what_was_measured_is_told_after_each_round():
    ran, told = [], []
    tasks = {name: lambda name=name: ran.append(name) or 1.0 for name in "ab"}
    timings = take_turns(tasks, 3, runs=2, after_round=lambda so_far: told.append({name: one.runs for name, one in so_far.items()}))
    assert "".join(ran) == "aaabbb" * 3
    assert told == [{"a": 2, "b": 2}, {"a": 4, "b": 4}, {"a": 6, "b": 6}]
    assert timings["a"].runs == 6


def test_a_task_says_how_long_it_took():
    assert clocked(lambda: sleep(0.01))() >= 10


def test_what_was_measured_is_saved_whole_and_replaced_by_more(tmp_path):
    path = tmp_path / "report.json"
    save(None, {"complete": False})
    assert list(tmp_path.iterdir()) == []
    for complete in (False, True):
        save(path, {"complete": complete})
        assert json.loads(path.read_text()) == {"complete": complete}
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(IsfpError, match="report.json"):
        save(path / "report.json", {})
