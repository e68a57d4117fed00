# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""One script under each launcher: it finds its place, and all ends well. With an argument, this file is that script."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import numpy

SCRIPT = [str(Path(__file__)), "script"]
TIMEOUT_S = 120


def script():
    import runnel

    runnel.init()
    rank, size = runnel.rank(), runnel.world_size()
    with runnel.Client([("w", (9000,))], [numpy.full(9000, rank + 5.0)], optimizer=runnel.optim.SGD(lr=1)) as client:
        for _ in range(3):
            client.gradient(0)[:] = rank
            client.push()
            client.pull()
        expected = 5.0 - 3 * sum(range(size)) / size
        ok = bool((client.value(0) == numpy.float32(expected)).all())
        paths = " ".join(line.split()[0] for line in client.paths())
        print(json.dumps([rank, size, ok, paths]), flush=True)


class LaunchersTest(unittest.TestCase):
    def results(self, command, environment=()):
        """What the script printed, by rank."""
        ended = subprocess.run(
            command,
            env={
                **os.environ,
                "PYTHONPATH": os.environ["RUNNEL_TEST_PACKAGE"],
                "OMP_NUM_THREADS": "1",
                **dict(environment),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        self.assertEqual(ended.returncode, 0, ended)
        # Launchers may put the output of two ranks into one line.
        return sorted(json.loads(one)[:3] for one in re.findall(r"\[\d+, \d+, \w+, [^]]*\]", ended.stdout))

    def test_runnel_run(self):
        command = [sys.executable, "-c", "import sys; from runnel.command import main; sys.exit(main())"]
        for more in ([], ["--generators", "2"]):
            with self.subTest(more):
                found = self.results([*command, "run", "-n", "3", *more, *SCRIPT])
                self.assertEqual(found, [[rank, 3, True] for rank in range(3)])

    def test_runnel_run_through_a_shell(self):
        command = [str(Path(os.environ["RUNNEL_TEST_PACKAGE"]) / "runnel" / "bin" / "runnel-run"), "-n", "2", "--"]
        shell = ["sh", "-c", f"{sys.executable} {' '.join(SCRIPT)}; exit $?"]
        self.assertEqual(self.results([*command, *shell]), [[0, 2, True], [1, 2, True]])

    @unittest.skipUnless(importlib.util.find_spec("torch"), "SKIPPED, NOT TESTED: no torch")
    def test_torchrun(self):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *SCRIPT]
        for generators in ("1", "2"):
            with self.subTest(generators):
                found = self.results(command, {"RUNNEL_GENERATORS": generators, "GLOO_SOCKET_IFNAME": "lo"})
                self.assertEqual(found, [[0, 2, True], [1, 2, True]])

    @unittest.skipUnless(
        importlib.util.find_spec("mpi4py") and shutil.which("mpirun"), "SKIPPED, NOT TESTED: no mpi4py, or no mpirun"
    )
    def test_mpirun(self):
        command = ["mpirun", "--oversubscribe", "-n", "3", sys.executable, *SCRIPT]
        self.assertEqual(self.results(command), [[rank, 3, True] for rank in range(3)])


if __name__ == "__main__":
    if sys.argv[1:2] == ["script"]:
        script()
    else:
        unittest.main()
