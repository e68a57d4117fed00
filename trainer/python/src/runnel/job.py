# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The job that this process belongs to, and how it ends."""

import atexit
import os
import subprocess
import sys
from pathlib import Path

from runnel import _binding
from runnel.errors import PeerLost, RunError

_USAGE = 64
_BAD_CONFIGURATION = 78
_SERVE = Path(__file__).parent / "bin" / "runnel-serve"

_job = None


class Job:
    """One trainer's place among the others. Its exchanges are ended when the interpreter ends."""

    def __init__(self, settings):
        self.pid = os.getpid()
        self.settings = [*_lines("RUNNEL_SETTINGS"), *settings]
        self.generators = _number("RUNNEL_GENERATORS", 1)
        self.place = _launched_place()
        self.rank = 0 if self.place is None else self.place[0] - self.generators
        self.world_size = 1 if self.place is None else self.place[1] - self.generators
        if self.rank < 0 or self.rank >= self.world_size:
            raise RunError(_BAD_CONFIGURATION, f"RUNNEL_GENERATORS={self.generators} does not fit RUNNEL_LOCAL_RANK")
        self.exchanges = []  # kept until they are closed, whoever else has them
        self.joined = False

    def join(self, exchange, settings, **arguments):
        """The extension's client, of a new exchange. `exchange` has `close` and `fail`, for the interpreter's end."""
        if os.getpid() != self.pid:
            raise RunError(_USAGE, "this process was forked after runnel.init(); call runnel.init() in its parent only")
        if self.place is not None and self.joined:
            raise RunError(_USAGE, "this job has had its exchange: a job has one DistributedDataParallel, shard or Client")
        self.joined = True
        place = self.place or self._start_generators()
        client = _binding.Client(
            place=place, generators=self.generators, settings=[*self.settings, *settings], **arguments
        )
        self.exchanges.append(exchange)
        return client

    def _start_generators(self):
        """Of a trainer without a launcher: generators as child processes, which end with it."""
        _, size, socket = _binding.fresh_place(self.generators + 1)
        place = {"RUNNEL_LOCAL_SIZE": str(size), "RUNNEL_LOCAL_SOCKET": socket, "RUNNEL_LOCAL_PARENT": str(os.getpid())}
        for generator in range(self.generators):
            # Ctrl-C is for the script, which tells them when it ends.
            _children.append(
                subprocess.Popen(
                    [_SERVE, str(self.generators)],
                    env={**os.environ, **place, "RUNNEL_LOCAL_RANK": str(generator)},
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
        return self.generators, size, socket

    def close(self):
        for exchange in list(self.exchanges):
            exchange.close()

    def fail(self):
        for exchange in list(self.exchanges):
            exchange.fail()

    def left(self, exchange):
        """`exchange` is closed, or has failed."""
        if exchange in self.exchanges:
            self.exchanges.remove(exchange)


_children = []


def init(settings=()):
    """Joins the job whose launcher has started this process; without one, a job of this trainer alone.

    Once, before the first exchange. `settings`: `"key=value"` of the tables transport, generator, optimizer and run of
    trainer/configs/README.md, in all trainers the same; they win over those of the launcher.
    """
    global _job
    if _job is not None:
        raise RunError(_USAGE, "runnel.init() was called before; a process belongs to one job")
    if isinstance(settings, str):
        raise TypeError('settings is a list of "key=value", not one text')
    _job = Job(settings)
    atexit.register(_end)
    sys.excepthook = _ExceptHook(sys.excepthook)


def current():
    """The job; an error before `init`."""
    if _job is None:
        raise RunError(_USAGE, "call runnel.init() first")
    return _job


def rank():
    """Index of this trainer: 0 … world_size() - 1."""
    return current().rank


def world_size():
    """How many trainers the job has."""
    return current().world_size


def close():
    """Ends the exchange: waits until all trainers have closed, adding zeros to their steps.

    Happens by itself when the interpreter ends. After an uncaught exception the other trainers are told instead, and
    end with PeerLost.
    """
    current().close()


def _end():
    # A child of a fork that ends as a whole interpreter takes no part.
    if os.getpid() != _job.pid:
        return
    if getattr(sys, "last_value", None) is not None:
        _job.fail()
    else:
        _close_or_exit()
    for child in _children:
        child.wait()


def _close_or_exit():
    """An exception would be printed and ignored here: the only way left to end with another status than 0."""
    try:
        _job.close()
    except BaseException as error:
        _report(error)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(error.status if isinstance(error, RunError) else 1)


def _report(error):
    """One line for what the rank that has failed reports at length."""
    print(f"runnel.{type(error).__name__}: {error}", file=sys.stderr)


class _ExceptHook:
    """Tells the other trainers of an uncaught exception at once. Only the rank that it came from has a traceback."""

    def __init__(self, previous):
        self.previous = previous

    def __call__(self, kind, error, trace):
        if os.getpid() == _job.pid:
            _job.fail()
        if isinstance(error, PeerLost):
            _report(error)
        else:
            self.previous(kind, error, trace)


def _launched_place():
    """Rank, size and socket among all processes of the job, from the launcher; None without one."""
    parent = os.environ.get("RUNNEL_LOCAL_PARENT")
    if parent is None:
        return None
    if parent != str(os.getppid()):
        raise RunError(
            _USAGE,
            f"runnel.init() in a process that the launcher (process {parent}) has not started itself, but process "
            f"{os.getppid()}. In a DataLoader's worker, call it below if __name__ == '__main__'; in a shell script "
            "that runs Python, write exec python",
        )
    return _binding.place_from_environment()


def _lines(name):
    return [line for line in os.environ.get(name, "").splitlines() if line.strip()]


def _number(name, otherwise):
    text = os.environ.get(name, str(otherwise))
    if not text.isdecimal() or int(text) < 1:
        raise RunError(_BAD_CONFIGURATION, f"{name}={text} is not a number from 1 on")
    return int(text)
