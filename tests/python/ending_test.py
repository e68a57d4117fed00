# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""How a job of Python scripts ends: a killed rank, an exception, no close, a fork. Ctrl-C: interrupt_test.py."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import launch
import numpy


def client_of_one_tensor():
    import runnel

    runnel.init()
    return runnel.Client([("w", (100,))], [numpy.zeros(100)], optimizer=runnel.optim.SGD())


def step(client):
    client.push()
    client.pull()


def steps_without_end():
    client = client_of_one_tensor()
    for count in range(10**9):
        step(client)
        if count == 10:
            print("STEPS", flush=True)


def raises():
    client = client_of_one_tensor()
    for count in range(10**9):
        step(client)
        if client.rank == 1 and count == 5:
            raise ZeroDivisionError("of trainer 1")


def exits():
    client = client_of_one_tensor()
    for count in range(10**9):
        step(client)
        if client.rank == 1 and count == 5:
            sys.exit(4)


def notes_what_is_lost():
    import runnel

    client = client_of_one_tensor()
    try:
        for count in range(10**9):
            step(client)
            if count == 10:
                print("STEPS", flush=True)
    except runnel.PeerLost as lost:
        import pickle

        again = pickle.loads(pickle.dumps(lost))
        assert (str(again), again.rank) == (str(lost), lost.rank)
        return [lost.rank, lost.host, lost.phase, time.time(), str(lost)]


def ends_without_close():
    client = client_of_one_tensor()
    step(client)


def confirms_the_end_late():
    """Trainer 0 is busy with a signal, in the wait at the end, when trainer 1 ends the run and is gone."""
    client = client_of_one_tensor()
    step(client)
    if client.rank == 0:
        signal.signal(signal.SIGALRM, lambda *_: time.sleep(1))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
    else:
        time.sleep(0.5)
    client.close()


def exits_at_once():
    client = client_of_one_tensor()
    step(client)
    print("GOES", flush=True)
    os._exit(0)


def forks():
    import runnel

    client = client_of_one_tensor()
    step(client)
    texts = []
    for call in (lambda: step(client), lambda: runnel.Client([("w", (4,), "averaged")], [numpy.zeros(4)])):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                call()
            except runnel.RunError as error:
                os.write(write, str(error).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as text:
            texts.append(text.read())
        os.waitpid(child, 0)
    # A child that ends as a whole interpreter leaves the exchange alone.
    child = os.fork()
    if child == 0:
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
    step(client)
    return texts


def inherits_a_place():
    """A process that a trainer starts, and that joins like one."""
    client = client_of_one_tensor()
    started = subprocess.run(
        [sys.executable, "-c", "import runnel; runnel.init()"], capture_output=True, text=True, timeout=launch.TIMEOUT_S
    )
    step(client)
    return started.stderr


def second_ucx(file):
    import ctypes

    ctypes.CDLL(file)
    import runnel  # noqa: F401


class EndingTest(unittest.TestCase):
    def setUp(self):
        self.shared = launch.shared_memory()

    def tearDown(self):
        self.assertEqual(launch.shared_memory() - self.shared, set())

    def test_a_killed_rank_is_lost_to_all_others(self):
        with launch.Job(notes_what_is_lost, trainers=3) as job:
            for trainer in job.trainers:
                launch.await_line(trainer, "STEPS")
            job.trainers[1].kill()
            ended = job.wait()
            for one in (ended[0], ended[2]):
                self.assertIsNotNone(one.result, one)
                rank, host, phase, _, text = one.result
                self.assertEqual((rank, host), (1, os.uname().nodename), text)
                self.assertIn(phase, ("push", "pull"))
                self.assertIn("trainer 1 is lost", text)

    def test_a_killed_generator_is_lost(self):
        with launch.Job(notes_what_is_lost, trainers=1) as job:
            launch.await_line(job.trainers[0], "STEPS")
            job.generators[0].kill()
            (ended,) = job.wait()
            self.assertIsNotNone(ended.result, ended)
            self.assertIsNone(ended.result[0])
            self.assertIn("generator is lost", ended.result[4])

    def test_an_exception_has_one_traceback_and_ends_all(self):
        with launch.Job(raises, trainers=3) as job:
            ended = job.wait()
        self.assertEqual([one.status for one in ended], [1, 1, 1])
        self.assertIn("ZeroDivisionError: of trainer 1", ended[1].err)
        self.assertEqual([one.err.count("Traceback") for one in ended], [0, 1, 0], ended)
        for one in (ended[0], ended[2]):
            self.assertIn("runnel.PeerLost: trainer 1 is lost", one.err)

    def test_a_status_other_than_0_ends_all(self):
        with launch.Job(exits) as job:
            ended = job.wait()
        self.assertEqual([one.status for one in ended], [1, 4])
        self.assertIn("runnel.PeerLost: trainer 1 is lost", ended[0].err)

    def test_the_interpreter_closes(self):
        with launch.Job(ends_without_close) as job:
            ended = job.wait()
        for one in [*ended, *job.served]:
            self.assertEqual((one.status, one.err), (0, ""), one)

    def test_a_trainer_that_is_done_may_be_gone_before_another_is(self):
        launch.run_job(confirms_the_end_late, settings=["transport.path=emulated"])

    def test_a_process_that_exits_at_once_is_lost(self):
        with launch.Job(exits_at_once) as job:
            ended = job.wait()
        self.assertEqual([one.status for one in ended], [0, 0])
        self.assertEqual([one.status for one in job.served], [69])

    def test_a_child_of_a_fork_takes_no_part(self):
        (texts,) = launch.run_job(forks, trainers=1)
        for text in texts:
            self.assertIn("fork", text)

    def test_a_process_that_a_trainer_starts_is_no_trainer(self):
        for error in launch.run_job(inherits_a_place):
            self.assertIn("is the trainer at this place", error)

    def test_a_job_alone_ends_with_its_script(self):
        ended = launch.run_alone(ends_without_close)
        self.assertEqual((ended.status, ended.err), (0, ""), ended)
        ended = launch.run_alone(raises_alone)
        self.assertEqual(ended.status, 1)
        self.assertEqual(ended.err.count("Traceback"), 1)

    def test_a_second_ucx_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "libucp-1a2b.so.0"
            # Any library will do: a package's own copy of UCX is found by its name.
            shutil.copy(next(Path(numpy.__file__).parent.rglob("*.so")), file)
            ended = launch.run_alone(second_ucx, str(file))
        self.assertEqual(ended.status, 1)
        self.assertIn("ImportError: there are two UCX in this process", ended.err)
        self.assertIn("libucp-1a2b.so.0", ended.err)

    def test_an_old_ucx_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "libucp.so.0"
            source = Path(folder) / "old.c"
            source.write_text(
                "void ucp_get_version(unsigned* a, unsigned* b, unsigned* c) { *a = 1; *b = 13; *c = 1; }"
            )
            if subprocess.run(["cc", "-shared", "-fPIC", "-o", file, source]).returncode != 0:
                self.skipTest("no C compiler")
            ended = launch.run_alone(second_ucx, str(file))
        self.assertEqual(ended.status, 1)
        self.assertIn("ImportError: UCX 1.13.1 is loaded already", ended.err)
        self.assertIn(str(file), ended.err)


def raises_alone():
    client = client_of_one_tensor()
    step(client)
    raise ZeroDivisionError


if __name__ == "__main__":
    unittest.main()
