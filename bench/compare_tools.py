# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the programs that compare.py measures."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from compare_options import ROOT

M = 4799528
TIME_LIMIT_S = 600  # of one program; a machine on which others compute can make MPI's collectives that slow


class Missing(Exception):
    """A peer that cannot be measured here, and why."""


class Bench:
    """runnel-bench, alone or under mpirun."""

    def __init__(self, build, min_time):
        self.program = str(build / "runnel-bench")
        self.min_time = min_time
        self.context = {}

    def run(self, pattern, ranks=0, options=()):
        """The runs whose names match, by name: a list of repetitions each."""
        launcher = mpirun(ranks) if ranks else []
        command = [*launcher, self.program, f"--benchmark_filter={pattern}", "--benchmark_format=json",
                   f"--benchmark_min_time={self.min_time}", *options]
        result = in_json(output_of(command), "runnel-bench")
        self.context = result["context"]
        runs = {}
        for run in result["benchmarks"]:
            if "error_message" in run:
                raise Missing(run["error_message"])
            if run["run_type"] == "iteration":
                runs.setdefault(run["name"].removesuffix("/real_time"), []).append(run)
        if not runs:
            raise Missing(f"runnel-bench has no benchmark that matches {pattern}")
        return runs

    def first(self, pattern, ranks=0, options=()):
        """The first repetition of the first benchmark that matches."""
        return next(iter(self.run(pattern, ranks, options).values()))[0]

    def one(self, name, counter):
        return self.first(f"^{name}/")[counter]


def in_json(text, source):
    """Nothing at all, for example, is what a filter without a match leaves."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Missing(f"{source} printed no JSON: {error}") from None


def output_of(command, **options):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=TIME_LIMIT_S,
                              **options)
    except OSError as error:
        raise Missing(f"{command[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"{Path(command[0]).name} took longer than {TIME_LIMIT_S} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise Missing(f"{Path(command[0]).name} failed: {last}")
    return done.stdout


def mpirun(ranks):
    if not shutil.which("mpirun"):
        raise Missing("no mpirun on PATH")
    root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
    return ["mpirun", "-q", *root, "--oversubscribe", "--bind-to", "none", "-n", str(ranks)]


def peer(script, **options):
    """What a program of peers/ that takes these options prints."""
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    return in_json(output_of([sys.executable, str(ROOT / "bench/peers" / script), *arguments]), script)


def train(program, arguments, settings, config=ROOT / "trainer/configs/mnist.toml"):
    """The median step of a run of `runnel train` with `config`, in s."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        sets = [text for key, value in settings.items() for text in ("--set", f"{key}={value}")]
        output_of([str(program), "train", str(config), *arguments, *sets, "--report", str(report)])
        try:
            text = report.read_text()
        except OSError as error:
            raise Missing(f"runnel left no report: {error.strerror}") from None
        return in_json(text, "runnel")["step_ms"]["p50"] * 1e-3
