# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""What compare.py measures of the Python package: one script over Runnel, against torch's own over gloo."""
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from compare_options import ROOT
from compare_tools import Missing, in_json, output_of, peer

sys.path.insert(0, str(ROOT / "bench/peers"))
import ranks  # noqa: E402

SCRIPT = ROOT / "bench/peers/ddp.py"


@dataclass(frozen=True)
class Row:
    """Targets are the ratios for `shard` and for `DistributedDataParallel`."""
    what: str
    options: dict  # of ddp.py
    steps: int
    targets: tuple


ROWS = (Row("CNN, Adadelta, batch 1", {"batch": 1}, 200, ("≤ 0.3", "≤ 1")),
        Row("CNN, SGD, batch 1", {"batch": 1, "optimizer": "sgd"}, 200, ("≤ 0.5", "≤ 0.7")),
        Row("CNN, Adadelta, batch 16", {"batch": 16}, 60, ("≤ 0.7", "≤ 1")),
        Row("GPT 10 M, AdamW, batch 1", {"batch": 1, "model": "gpt"}, 40, ("", "≤ 1")))


def over_runnel(build, trainers, mode, row, steps):
    """The median step, in s."""
    interpreter = ranks.python()
    if not interpreter:
        raise Missing("no PyTorch: cmake/install-deps.sh --python (downloads about 3 GB)")
    package = build / "python"
    if not list(package.glob("runnel/_binding*.so")):
        raise Missing(f"{package} has no Python package; cmake/README.md says what it needs")
    environment = {**os.environ, "PYTHONPATH": str(package)}
    text = output_of([str(build / "runnel-run"), "-n", str(trainers), "--no-prefix", "--python", str(interpreter),
                      str(SCRIPT), "--over", mode, "--steps", str(steps),
                      *(f"--{name}={value}" for name, value in row.options.items())], env=environment)
    return in_json(text, SCRIPT.name)["p50"] * 1e-3


def over_gloo(trainers, row, steps):
    """The same."""
    return peer("ddp.py", ranks=trainers, steps=steps, **row.options)["p50"] * 1e-3


def compare_python(table, bench, settings):
    build = Path(bench.program).parent
    for row in ROWS:
        steps = 4 if settings.quick else row.steps
        for trainers in (2, 4):
            for mode, target in zip(("shard", "ddp"), row.targets):
                what = f"step of a Python script, {mode}, {row.what}, N={trainers}, against DDP gloo"
                try:
                    pairs = [(over_runnel(build, trainers, mode, row, steps), over_gloo(trainers, row, steps))
                             for _ in range(settings.repetitions)]
                    table.add(what, "s", pairs, target)
                except Missing as why:
                    table.missing(what, why)
