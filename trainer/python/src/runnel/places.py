# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""How this process finds the job's other processes: by `runnel run`, torchrun, MPI, or alone."""

import os
import subprocess
import time
from pathlib import Path

from runnel import _binding
from runnel.errors import RunError

_USAGE = 64
_BAD_CONFIGURATION = 78
_SERVE = Path(__file__).parent / "bin" / "runnel-serve"
# Which process is the trainer at a launcher's place: a process that it starts inherits the place.
_TAKEN = "RUNNEL_PLACE_TAKEN"
_WAIT_S = 0.0005
# How many processes the launcher of MPI has started, the innermost launcher first.
_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS")


def find():
    """The place that this process was started for."""
    generators = _number("RUNNEL_GENERATORS", 1)
    if "RUNNEL_LOCAL_RANK" in os.environ:
        return LaunchedPlace(generators)
    if "RANK" in os.environ and "MASTER_ADDR" in os.environ:
        return _torch_place(generators)
    if any(name in os.environ for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK")):
        started = next((int(os.environ[name]) for name in _SIZES if name in os.environ), None)
        if started != 1:  # a shell that is a task of Slurm is no reason for MPI
            return _mpi_place(generators, started)
    elif tasks := _binding.tasks_without_pmix():
        raise RunError(
            _USAGE, f"srun started {tasks} tasks without PMIx, so they cannot find each other: use srun --mpi=pmix"
        )
    return RelayedPlace(0, 1, lambda mine, idle: [mine], generators)


class LaunchedPlace:
    """Of `runnel run`, which has started the generators, too."""

    once = True

    def __init__(self, generators):
        self.generators = generators
        taken = f"{os.getpid()} {os.environ['RUNNEL_LOCAL_SOCKET']}"
        before = os.environ.setdefault(_TAKEN, taken)
        if before != taken and before.split()[1] == taken.split()[1]:
            raise RunError(
                _USAGE,
                f"process {before.split()[0]} is the trainer at this place, and has started this one. In a "
                "DataLoader's worker, runnel.init() belongs below if __name__ == '__main__'",
            )
        os.environ[_TAKEN] = taken
        self._place = _binding.place_from_environment()
        self.rank = self._place[0] - generators
        self.size = self._place[1] - generators
        if not 0 <= self.rank < self.size:
            raise RunError(_BAD_CONFIGURATION, f"RUNNEL_GENERATORS={generators} does not fit RUNNEL_LOCAL_RANK")

    def meet(self):
        return _binding.local_bootstrap(self._place)

    def end(self):
        pass


class RelayedPlace:
    """Among trainers that have an all-gather of their own. The first one of each host starts its share of the
    generators as child processes.

    `gather(mine, idle)`: the bytes of all trainers; calls `idle` while it waits.
    """

    def __init__(self, rank, size, gather, generators):
        self.rank, self.size, self.generators = rank, size, generators
        self.once = size > 1
        self._gather = gather
        self._children = []

    def meet(self):
        return _binding.relay_bootstrap(self.rank, self.size, self._gather, self.generators, self._start_generators)

    def _start_generators(self, indices):
        size, socket = len(indices) + 1, _binding.fresh_socket()
        place = {"RUNNEL_LOCAL_SIZE": str(size), "RUNNEL_LOCAL_SOCKET": socket, "RUNNEL_LOCAL_PARENT": str(os.getpid())}
        for rank, index in enumerate(indices, 1):
            # Ctrl-C is for the script, which tells them when it ends.
            self._children.append(
                subprocess.Popen(
                    [_SERVE, str(self.generators), str(self.size), str(index)],
                    env={**os.environ, **place, "RUNNEL_LOCAL_RANK": str(rank)},
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
        return 0, size, socket

    def end(self):
        """Waits for the generators, which end with the exchange."""
        for child in self._children:
            child.wait()


def _torch_place(generators):
    """Of torchrun, and of whoever sets the same variables: over its store."""
    from torch.distributed import rendezvous

    store, rank, size = next(iter(rendezvous("env://")))
    rounds = 0

    def gather(mine, idle):
        nonlocal rounds
        rounds += 1
        keys = [f"runnel/{rounds}/{one}" for one in range(size)]
        store.set(keys[rank], mine)
        while not store.check(keys):
            idle()
            time.sleep(_WAIT_S)
        return [bytes(store.get(key)) for key in keys]

    return RelayedPlace(rank, size, gather, generators)


def _mpi_place(generators, started):
    """Of mpirun or srun, which has `started` so many: over mpi4py."""
    # The default may load a UCX of MPI's own into this process. Small messages at start need none.
    os.environ.setdefault("OMPI_MCA_pml", "ob1")
    os.environ.setdefault("OMPI_MCA_osc", "^ucx")
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise RunError(
            _USAGE, "under mpirun or srun, runnel needs mpi4py: pip install mpi4py; or use runnel run"
        ) from error

    world = MPI.COMM_WORLD
    if world.size == 1:
        raise RunError(
            _USAGE,
            f"the launcher started {started or 'several'} processes, but the MPI of mpi4py finds this one only; it is "
            f"{MPI.Get_library_version().splitlines()[0].split(',')[0]}: start them with its own mpirun, or with "
            "srun --mpi=pmix",
        )

    def gather(mine, idle):
        arrived = world.Ibarrier()  # so that the wait for the others can be interrupted
        while not arrived.Test():
            idle()
            time.sleep(_WAIT_S)
        return world.allgather(mine)

    return RelayedPlace(world.rank, world.size, gather, generators)


def _number(name, otherwise):
    text = os.environ.get(name, str(otherwise))
    if not text.isdecimal() or int(text) < 1:
        raise RunError(_BAD_CONFIGURATION, f"{name}={text} is not a number from 1 on")
    return int(text)
