"""The watchdog's thread: it stops a run past its limit, not one of a process that had been stopped, and ends with the runs."""

import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from isfp.runtimes.watchdog import Watchdog

STOPPED = """
import sys
from types import SimpleNamespace
from isfp.runtimes.watchdog import Watchdog
dog = Watchdog(4.0, SimpleNamespace(terminate=False))
dog.start()
print("running", flush=True)
sys.stdin.readline()
print(dog.end(), flush=True)
"""
ENDS = """
from types import SimpleNamespace
from isfp.runtimes.watchdog import Watchdog
Watchdog(3600.0, SimpleNamespace(terminate=False)).start()
"""


def threads() -> int:
    return sum(thread.name == "isfp watchdog" for thread in threading.enumerate())


def waited_for(condition) -> bool:
    for _ in range(600):
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_run_past_the_limit_is_stopped_and_the_next_one_is_not():
    options, before = SimpleNamespace(terminate=False), threads()
    dog = Watchdog(0.1, options)
    dog.start()
    assert waited_for(lambda: options.terminate)
    assert dog.end()
    dog.start()
    assert not options.terminate
    assert not dog.end()
    assert waited_for(lambda: threads() == before), "the thread ends when nothing runs"


def test_closing_ends_the_thread_at_once():
    before = threads()
    dog = Watchdog(3600, SimpleNamespace(terminate=False))
    dog.start()
    dog.end()
    dog.close()
    assert waited_for(lambda: threads() == before)


def test_a_run_that_was_interrupted_before_its_end_does_not_stop_the_next():
    options = SimpleNamespace(terminate=False)
    dog = Watchdog(0.1, options)
    dog.start()
    assert waited_for(lambda: options.terminate)
    dog.start()
    assert not options.terminate
    dog.end()


def test_watchdogs_of_several_threads_do_not_mind_each_other():
    options, stopped = [SimpleNamespace(terminate=False) for _ in range(4)], []
    dogs = [Watchdog(0.1, options[0]), *(Watchdog(3600, own) for own in options[1:])]

    def work(dog: Watchdog, own: SimpleNamespace) -> None:
        dog.start()
        waited_for(lambda: options[0].terminate)
        stopped.append((dog is dogs[0], own.terminate))

    workers = [threading.Thread(target=work, args=pair) for pair in zip(dogs, options, strict=True)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(stopped) == [(False, False)] * 3 + [(True, True)]
    for dog in dogs:
        dog.end()
        dog.close()


def test_the_thread_does_not_keep_the_process():
    subprocess.run([sys.executable, "-c", ENDS], check=True, timeout=120)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_the_time_in_which_the_process_was_stopped_does_not_count():
    command = [sys.executable, "-c", STOPPED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(5)
        process.send_signal(signal.SIGCONT)
        printed, _ = process.communicate("\n")
        assert printed == "False\n"
