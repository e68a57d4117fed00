# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The job that this process belongs to, and how it ends."""

import atexit
import os
import signal
import sys
import traceback

from runnel import _binding, places
from runnel.errors import PeerLost, RunError

_USAGE = 64

_job = None


class Job:
    """One trainer's place among the others. Its exchanges are ended when the interpreter ends."""

    def __init__(self, settings):
        self.pid = os.getpid()
        settings_of_launcher = os.environ.get("RUNNEL_SETTINGS", "").splitlines()
        self.settings = [*filter(None, settings_of_launcher), *settings]
        for setting in self.settings:
            if setting.strip().startswith("optimizer."):  # that of the exchange would win without a word
                raise RunError(_USAGE, f"{setting}: the optimizer is the script's, of runnel.optim; change it there")
        self.place = places.find()
        self.exchanges = []  # kept until they are closed, whoever else has them
        self.joined = False

    def join(self, exchange, settings, **arguments):
        """The extension's client, of a new exchange. `exchange` has `close` and `fail`, for the interpreter's end."""
        if os.getpid() != self.pid:
            raise RunError(_USAGE, "this process was forked after runnel.init(); call runnel.init() in its parent only")
        if self.place.once and self.joined:
            raise RunError(
                _USAGE, "this job has had its exchange: a job has one DistributedDataParallel, shard or Client"
            )
        self.joined = True
        client = _binding.Client(
            bootstrap=self.place.meet(),
            generators=self.place.generators,
            settings=[*self.settings, *settings],
            **arguments,
        )
        self.exchanges.append(exchange)
        return client

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


def init(settings=()):
    """Joins the job whose launcher has started this process: `runnel run`, torchrun, mpirun or srun; without one, a job
    of this trainer alone.

    Once, before the first exchange. `settings`: `"key=value"` of the tables transport, generator and run of
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
    sys.exit = _exit


def current():
    """The job; an error before `init`."""
    if _job is None:
        raise RunError(_USAGE, "call runnel.init() first")
    return _job


def rank():
    """Index of this trainer: 0 … world_size() - 1."""
    return current().place.rank


def world_size():
    """How many trainers the job has."""
    return current().place.size


def close():
    """Ends the exchange: waits until all trainers have closed, adding zeros to their steps.

    Happens by itself when the interpreter ends. After an uncaught exception, or sys.exit with another status than 0,
    the other trainers are told instead, and end with PeerLost.
    """
    current().close()


def close_if_joined():
    """As `close`, where `init` may not have been called."""
    if _job is not None:
        _job.close()


def _end():
    # A child of a fork that ends as a whole interpreter takes no part.
    if os.getpid() != _job.pid:
        return
    if getattr(sys, "last_value", None) is not None or _exit.status not in (None, 0):
        _job.fail()
    else:
        _close_or_exit()
    _job.place.end()


def _close_or_exit():
    """An exception would be printed and ignored here: the only way left to end with another status than 0."""
    try:
        _job.close()
    except BaseException as error:
        _report(error)
        sys.stdout.flush()
        sys.stderr.flush()
        if isinstance(error, KeyboardInterrupt):  # ends as Python does after an uncaught one
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(error.status if isinstance(error, RunError) else 1)


def _report(error):
    """One line for what the rank that has failed reports at length."""
    if isinstance(error, RunError):
        print(f"runnel.{type(error).__name__}: {error}", file=sys.stderr)
    else:
        print("".join(traceback.format_exception_only(type(error), error)), end="", file=sys.stderr)


class _Exit:
    """sys.exit, of which atexit would not learn the status: a script that ends with another one than 0 has failed."""

    def __init__(self):
        self.status = None
        self.previous = sys.exit

    def __call__(self, status=None):
        self.status = status
        self.previous(status)


_exit = _Exit()


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
