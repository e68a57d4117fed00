# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The examples of the Python package run, with few steps."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "trainer" / "python" / "examples"
RUN = Path(os.environ["RUNNEL_TEST_PACKAGE"]) / "runnel" / "bin" / "runnel-run"


class ExamplesTest(unittest.TestCase):
    def output_of(self, name, *arguments):
        ended = subprocess.run(
            [RUN, "-n", "2", "--python", sys.executable, EXAMPLES / name, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": os.environ["RUNNEL_TEST_PACKAGE"], "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=200,
        )
        self.assertEqual(ended.returncode, 0, ended)
        return ended.stdout

    def test_numpy_only(self):
        self.assertIn("largest error", self.output_of("numpy_only.py"))

    def test_mnist(self):
        self.assertIn("accuracy", self.output_of("mnist.py", ROOT / "trainer" / "data" / "mnist", "--steps", 3))

    def test_gpt(self):
        self.assertIn("step 0 loss", self.output_of("gpt.py", ROOT / "README.md", "--steps", 3))


if __name__ == "__main__":
    unittest.main()
