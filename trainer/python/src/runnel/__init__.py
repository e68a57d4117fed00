# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Data-parallel training over Runnel: see README.md of trainer/python.

`runnel.init()` joins a job; then one of `DistributedDataParallel`, `shard` (both for torch modules) and `Client`
(NumPy) exchanges tensors with the job's other trainers.
"""

from runnel import _ucx

_ucx.prepare()

from runnel import _binding, optim  # noqa: E402

_ucx.require_one()

from runnel.client import Client  # noqa: E402
from runnel.errors import PeerLost, RunError  # noqa: E402
from runnel.job import close, init, rank, world_size  # noqa: E402
from runnel.notebook import launch  # noqa: E402

__version__ = _binding.version
__all__ = [
    "Client",
    "DistributedDataParallel",
    "PeerLost",
    "RunError",
    "close",
    "init",
    "launch",
    "optim",
    "rank",
    "shard",
    "world_size",
]


def __getattr__(name):
    """What needs torch is imported when it is asked for."""
    if name == "DistributedDataParallel":
        from runnel.data_parallel import DistributedDataParallel

        return DistributedDataParallel
    if name == "shard":
        from runnel.sharded import shard

        return shard
    raise AttributeError(f"module 'runnel' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
