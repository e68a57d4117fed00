# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Starts jobs for the tests of the Python package, as `runnel run` does: generators, and functions of a test's file as
trainers. Nothing that it starts outlives it."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PACKAGE = Path(os.environ["RUNNEL_TEST_PACKAGE"])  # the folder that has runnel/
SERVE = PACKAGE / "runnel" / "bin" / "runnel-serve"
TIMEOUT_S = 120  # a hang; two cores may be shared with others

# SIGUSR2 prints the stacks of all threads.
_PEER = """
import faulthandler, json, signal, sys
faulthandler.register(signal.SIGUSR2)
sys.path.insert(0, {folder!r})
import {module}
result = {module}.{function}(*json.loads({arguments!r}))
if result is not None:
    print("RESULT " + json.dumps(result), flush=True)
"""


class Ended:
    """What a process left behind: its status, what it printed, and what its function returned."""

    def __init__(self, name, status, out, err):
        self.name, self.status, self.out, self.err = name, status, out, err
        results = [line for line in out.splitlines() if line.startswith("RESULT ")]
        self.result = json.loads(results[-1][len("RESULT ") :]) if results else None

    def __repr__(self):
        return f"{self.name}: status {self.status}\n{self.out}{self.err}"


class Job:
    """`trainers` processes that call `function` with `arguments`, and `generators` generators; a context manager."""

    def __init__(self, function, *arguments, trainers=2, generators=1, settings=(), environment=()):
        size = generators + trainers
        shared = {
            **os.environ,
            **dict(environment),
            "PYTHONPATH": str(PACKAGE),
            "OMP_NUM_THREADS": "1",
            "RUNNEL_LOCAL_SIZE": str(size),
            "RUNNEL_LOCAL_SOCKET": f"runnel-test-{os.getpid()}-{secrets.token_hex(8)}",
            "RUNNEL_LOCAL_PARENT": str(os.getpid()),
            "RUNNEL_GENERATORS": str(generators),
            "RUNNEL_SETTINGS": "\n".join(settings),
            "WORLD_SIZE": str(trainers),
            "LOCAL_WORLD_SIZE": str(trainers),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(free_port()),
        }
        self.generators, self.trainers = [], []
        for rank in range(generators):
            self.generators.append(_start([SERVE, str(generators)], {**shared, "RUNNEL_LOCAL_RANK": str(rank)}))
        for rank in range(trainers):
            places = {"RANK": str(rank), "LOCAL_RANK": str(rank), "RUNNEL_LOCAL_RANK": str(generators + rank)}
            self.trainers.append(_start(peer_command(function, *arguments), {**shared, **places}))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for process in [*self.trainers, *self.generators]:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def wait(self):
        """All trainers, when the whole job has ended; kills it after TIMEOUT_S."""
        deadline = time.monotonic() + TIMEOUT_S
        names = [f"trainer {rank}" for rank in range(len(self.trainers))] + ["generator"] * len(self.generators)
        ended = [
            _communicate(name, process, deadline)
            for name, process in zip(names, [*self.trainers, *self.generators], strict=True)
        ]
        self.served = ended[len(self.trainers) :]
        return ended[: len(self.trainers)]


def run_job(function, *arguments, **options):
    """What the trainers' functions returned; an error when any process failed."""
    with Job(function, *arguments, **options) as job:
        ended = job.wait()
        failed = [one for one in [*ended, *job.served] if one.status != 0]
        if failed:
            raise AssertionError("\n".join(map(repr, failed)))
        return [one.result for one in ended]


def start_alone(function, *arguments, environment=()):
    """One process without a launcher."""
    return _start(peer_command(function, *arguments), {**os.environ, **dict(environment), "PYTHONPATH": str(PACKAGE)})


def run_alone(function, *arguments, environment=()):
    """As `start_alone`, to its end."""
    process = start_alone(function, *arguments, environment=environment)
    return _communicate("alone", process, time.monotonic() + TIMEOUT_S)


def assert_texts(test, ended, parts):
    """The result of a process is a list of texts; each has its part."""
    test.assertIsNotNone(ended.result, ended)
    for text, part in zip(ended.result, parts, strict=True):
        test.assertIn(part, text)


def peer_command(function, *arguments):
    module = Path(sys.modules[function.__module__].__file__).stem
    script = _PEER.format(
        folder=str(Path(__file__).parent),
        module=module,
        function=function.__name__,
        arguments=json.dumps(arguments),
    )
    return [sys.executable, "-c", script]


def free_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def await_line(process, text):
    """Reads what `process` prints up to a line with `text`."""
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"the process has ended before it printed {text}: {process.stderr.read()}")


def shared_memory():
    """The segments of this user's processes, as they come and go with jobs."""
    return {name for name in os.listdir("/dev/shm") if "ucx" in name or "runnel" in name}


def _start(command, environment):
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )


def _communicate(name, process, deadline):
    try:
        out, err = process.communicate(timeout=max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGUSR2)
        time.sleep(1)
        process.kill()
        out, err = process.communicate()
        err += f"\n{name} was killed: it did not end in time\n"
    return Ended(name, process.returncode, out, err)
