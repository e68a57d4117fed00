# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""A job of functions instead of scripts: `launch` for notebooks, and what its processes do."""

import codecs
import contextlib
import os
import pickle
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from multiprocessing import spawn
from pathlib import Path

from runnel import job
from runnel.errors import PeerLost, RunError

_FAILED = 1
_USAGE = 64
_PEER_LOST = 69
_RUN = Path(__file__).parent / "bin" / "runnel-run"
_CALL = "call"
# runnel-run ends with this process: PR_SET_PDEATHSIG is 1.
_START = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], ["runnel run", *sys.argv[3:]])
"""
_TRAINER = "import sys; sys.path.insert(0, sys.argv[1]); from runnel import notebook; notebook.call(sys.argv[2])"


def launch(function, n, *, args=(), generators=1, settings=()):
    """Calls `function(*args)` in `n` new processes on this machine, the trainers of a job; for notebooks.

        def train(lr):
            runnel.init()
            net, opt = runnel.shard(Net(), runnel.optim.AdamW(lr=lr))
            ...
            return loss.item()

        losses = runnel.launch(train, 4, args=(3e-4,))

    Returns what they return, by rank. What they print appears here, after `[trainer 2] `. The exception of the first
    one that fails is raised here, with its traceback; Ctrl-C, or a notebook's interrupt, ends all. `settings`: as for
    `runnel.init`. Functions of a notebook need the package cloudpickle; in a script the call belongs below
    `if __name__ == "__main__":`, as with multiprocessing.
    """
    if "RUNNEL_LOCAL_RANK" in os.environ:
        raise RunError(_USAGE, 'runnel.launch in a trainer: call it below if __name__ == "__main__"')
    with tempfile.TemporaryDirectory(prefix="runnel-") as folder:
        Path(folder, _CALL).write_bytes(_pack(function, args))
        options = [f"-n{n}", f"--generators={generators}", *(f"--set={one}" for one in settings)]
        package = str(Path(__file__).absolute().parents[1])
        status = _run([*options, "--", sys.executable, "-c", _TRAINER, package, folder])
        return _results([_outcome(Path(folder, str(rank))) for rank in range(n)], status)


def call(folder):
    """Of a trainer: calls the function, and leaves what came of it to the process that has called `launch`."""
    status = 0
    try:
        function, args = _unpack(Path(folder, _CALL).read_bytes())
        result = function(*args)
        job.close_if_joined()
        outcome = _pickler().dumps({"result": result})
    except BaseException as error:
        outcome = _failure(error)
        status = _PEER_LOST if isinstance(error, PeerLost) else _FAILED
    Path(folder, os.environ["RANK"]).write_bytes(outcome)
    sys.exit(status)


def _pickler():
    """cloudpickle where it is installed: it takes along what a notebook has defined."""
    try:
        import cloudpickle
    except ImportError:
        return pickle
    return cloudpickle


def _pack(function, args):
    """The function, with what a process needs before it can unpickle that."""
    main = {}
    if _pickler() is pickle:
        main = {key: value for key, value in spawn.get_preparation_data("").items() if key.startswith("init_main_")}
        if not Path(main.get("init_main_from_path", os.curdir)).exists():  # such as <stdin>
            main = {}
        if not main and getattr(function, "__module__", None) == "__main__":
            raise RunError(
                _USAGE,
                f"{function.__qualname__} is defined in a notebook: install cloudpickle (pip install cloudpickle), or "
                "define it in a module and import it",
            )
    return pickle.dumps([sys.path, sys.argv, main, _pickler().dumps((function, args))])


def _unpack(packed):
    sys.path[:], sys.argv, main, packed_call = pickle.loads(packed)
    spawn.prepare(main)
    return pickle.loads(packed_call)


def _failure(error):
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__.tb_next))
    failure = {"at": time.monotonic(), "text": text, "is_lost": isinstance(error, PeerLost)}
    if isinstance(error, Exception):
        with contextlib.suppress(Exception):  # else the text is all that there is
            packed = _pickler().dumps(error)
            pickle.loads(packed)
            failure["error"] = packed
    return pickle.dumps(failure)


def _run(arguments):
    """The exit status of `runnel run`, whose output appears in this process's."""
    command = [sys.executable, "-I", "-c", _START, str(os.getpid()), str(_RUN), *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        interrupt = None
        while True:
            try:
                _copy_output(process)
                break
            except KeyboardInterrupt as error:
                interrupt = error
                process.send_signal(signal.SIGINT)  # to the trainers; a second one kills them
            except BaseException:
                process.terminate()
                raise
    if interrupt:
        raise interrupt
    return process.returncode


def _copy_output(process):
    with selectors.DefaultSelector() as selector:
        for pipe, to in ((process.stdout, "stdout"), (process.stderr, "stderr")):
            selector.register(pipe, selectors.EVENT_READ, (to, codecs.getincrementaldecoder("utf-8")("replace")))
        while selector.get_map():
            for key, _ in selector.select():
                read = os.read(key.fd, 1 << 16)
                to, decoder = key.data
                stream = getattr(sys, to)  # a notebook may change it
                stream.write(decoder.decode(read, final=not read))
                stream.flush()
                if not read:
                    selector.unregister(key.fileobj)


def _outcome(file):
    """None of a process that has not come to its end."""
    return pickle.loads(file.read_bytes()) if file.exists() else None


def _results(outcomes, status):
    failures = [(rank, one) for rank, one in enumerate(outcomes) if one and "text" in one]
    if failures:
        rank, first = min(failures, key=lambda failure: (failure[1]["is_lost"], failure[1]["at"]))
        there = f"in trainer {rank}:\n\n{first['text']}"
        if "error" in first:
            raise pickle.loads(first["error"]) from _InTrainer(there)
        raise RunError(_FAILED, there)
    if status != 0 or None in outcomes:
        early = [str(rank) for rank, one in enumerate(outcomes) if one is None]
        who = f"trainer {', '.join(early)} ended before its function returned" if early else "the job failed"
        raise RunError(status or _PEER_LOST, f"{who}; status {status} of runnel run, which has printed why")
    return [one["result"] for one in outcomes]


class _InTrainer(Exception):
    """The cause of an exception that travelled here: its traceback."""

    def __str__(self):
        return self.args[0]
