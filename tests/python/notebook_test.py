# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""runnel.launch: functions of a module, of a script and of a notebook as the trainers of a job."""

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import launch

sys.path.insert(0, str(launch.PACKAGE))
import numpy  # noqa: E402
import runnel  # noqa: E402

# As the cells of a notebook: code without a file.
NOTEBOOK = """
import numpy, runnel
factor = 2
class Result:
    def __init__(self, value):
        self.value = value
def train(start):
    runnel.init()
    with runnel.Client([("w", (3,))], [numpy.full(3, start)], optimizer=runnel.optim.SGD(lr=1.0)) as client:
        client.gradient(0)[:] = 1
        client.push()
        client.pull()
        print("of rank", runnel.rank())
        return Result(factor * client.value(0)[0] + runnel.rank())
GUARD
    results = runnel.launch(train, 2, args=(5.0,))
    assert all(isinstance(one, Result) for one in results), results
    print([float(one.value) for one in results])
"""


def trains(start, generators):
    runnel.init()
    client = runnel.Client([("w", (9000,))], [numpy.full(9000, start)], optimizer=runnel.optim.SGD(lr=1.0))
    client.gradient(0)[:] = runnel.rank()
    client.push()
    client.pull()
    assert len(client.paths()) == generators
    return runnel.rank(), float(client.value(0)[0]), os.getcwd()


def raises(how):
    runnel.init()
    client = runnel.Client([("w", (3,))], [numpy.zeros(3)], optimizer=runnel.optim.SGD(lr=1.0))
    client.push()
    client.pull()
    if runnel.rank() == 1:
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "exit":
            sys.exit(3)
        raise Unpicklable() if how == "unpicklable" else KeyError(how)
    for _ in range(10**9):
        client.push()
        client.pull()


class Unpicklable(Exception):
    def __init__(self):
        super().__init__("has a lock")
        self.file = sys.stdin


def waits_for_ever():
    runnel.init()
    client = runnel.Client([("w", (3,))], [numpy.zeros(3)], optimizer=runnel.optim.SGD(lr=1.0))
    print("STEPS", flush=True)
    for _ in range(10**9):
        client.push()
        client.pull()


def launches_for_ever():
    runnel.launch(waits_for_ever, 2)


class NotebookTest(unittest.TestCase):
    def setUp(self):
        self.shared = launch.shared_memory()
        self.folders = set(Path(tempfile.gettempdir()).glob("runnel-*"))

    def tearDown(self):
        self.assertEqual(launch.shared_memory() - self.shared, set())
        self.assertEqual(set(Path(tempfile.gettempdir()).glob("runnel-*")) - self.folders, set())

    def test_it_returns_what_they_return(self):
        settings = ["transport.path=mapped", "run.timeout_s=40"]
        results = runnel.launch(trains, 3, args=(5.0, 2), generators=2, settings=settings)
        self.assertEqual(results, [(rank, 4.0, os.getcwd()) for rank in range(3)])

    def of_notebook(self, script, has_cloudpickle):
        """The code as a script, or as a notebook, which has no file."""
        code = NOTEBOOK.replace("GUARD", 'if __name__ == "__main__":' if script else "if True:")
        if not has_cloudpickle:
            code = "import sys\nsys.modules['cloudpickle'] = None" + code
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "script.py")
            file.write_text(code)
            ended = subprocess.run(
                [sys.executable, str(file) if script else "-"],
                input=code,
                env={**os.environ, "PYTHONPATH": str(launch.PACKAGE)},
                capture_output=True,
                text=True,
                timeout=launch.TIMEOUT_S,
            )
        return ended

    def test_functions_of_scripts_and_notebooks(self):
        for script, has_cloudpickle in ((True, False), (True, True), (False, True)):
            with self.subTest(script=script, has_cloudpickle=has_cloudpickle):
                if has_cloudpickle and not importlib.util.find_spec("cloudpickle"):
                    self.skipTest("SKIPPED, NOT TESTED: no cloudpickle")
                ended = self.of_notebook(script, has_cloudpickle)
                self.assertEqual(ended.returncode, 0, ended)
                self.assertIn("[8.0, 9.0]\n", ended.stdout)
                for rank in range(2):
                    self.assertIn(f"[trainer {rank}] of rank {rank}\n", ended.stdout)

    def test_a_notebook_without_cloudpickle_is_told(self):
        ended = self.of_notebook(script=False, has_cloudpickle=False)
        self.assertIn("train is defined in a notebook: install cloudpickle", ended.stderr)

    def test_it_raises_the_first_exception(self):
        with self.assertRaises(KeyError) as caught:
            runnel.launch(raises, 2, args=("a key",))
        self.assertEqual(caught.exception.args, ("a key",))
        self.assertIn("in trainer 1:\n\nTraceback", str(caught.exception.__cause__))

    def test_what_cannot_travel_is_a_text(self):
        for how, text in (("unpicklable", "Unpicklable: has a lock"), ("exit", "SystemExit: 3")):
            with self.assertRaisesRegex(runnel.RunError, f"in trainer 1:\n\n(.*\n)*.*{text}"):
                runnel.launch(raises, 2, args=(how,))

    def test_a_killed_process_is_lost(self):
        with self.assertRaisesRegex(runnel.PeerLost, "trainer 1 is lost"):
            runnel.launch(raises, 2, args=("kill",))
        with self.assertRaisesRegex(runnel.RunError, "trainer 0 ended before its function returned") as caught:
            runnel.launch(os._exit, 1, args=(5,))
        self.assertEqual(caught.exception.status, 5)

    def test_mistakes_have_runnel_runs_status(self):
        with self.assertRaises(runnel.RunError) as caught:
            runnel.launch(trains, 1, args=(5.0, 1), settings=["run.timeout=1"])
        self.assertEqual(caught.exception.status, 78)

    def test_ctrl_c_ends_all(self):
        process = launch.start_alone(launches_for_ever)
        for _ in range(2):
            launch.await_line(process, "STEPS")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=launch.TIMEOUT_S)
        self.assertEqual(process.returncode, -signal.SIGINT, err)
        self.assertEqual(err.count("Traceback"), 1, err)

    def test_they_end_with_a_killed_notebook(self):
        with tempfile.TemporaryDirectory() as folder:  # a killed process cannot remove its own
            process = launch.start_alone(launches_for_ever, environment={"TMPDIR": folder})
            for _ in range(2):
                launch.await_line(process, "STEPS")
            process.kill()
            # They hold the other ends of its pipes.
            process.communicate(timeout=launch.TIMEOUT_S)


if __name__ == "__main__":
    unittest.main()
