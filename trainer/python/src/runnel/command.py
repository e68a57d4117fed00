# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The command `runnel` of the wheel: `runnel run`, as the program of that name has it (trainer/command)."""

import os
import sys
from pathlib import Path

_RUN = Path(__file__).parent / "bin" / "runnel-run"


def main():
    if sys.argv[1:2] != ["run"]:
        print(
            "usage: runnel run -n TRAINERS [OPTION…] SCRIPT.py [ARGUMENT…]\n\n"
            "Starts a script as the trainers of a job on this machine; runnel run --help lists the options. The\n"
            "Python package has no other command; the program runnel trains models without Python.",
            file=sys.stderr,
        )
        return 0 if sys.argv[1:2] in (["--help"], ["-h"]) else 64
    os.environ.setdefault("RUNNEL_PYTHON", sys.executable)
    os.execv(_RUN, ["runnel run", *sys.argv[2:]])
