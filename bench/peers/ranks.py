# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Starts a peer program's ranks under PyTorch, and lets them meet."""
import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path


def environment():
    cache = os.environ.get("RUNNEL_DEPS") or Path.home() / ".cache" / "runnel"
    return Path(cache) / "python"


def python():
    """The interpreter that has PyTorch: this one, or that of cmake/install-deps.sh; None without."""
    if importlib.util.find_spec("torch"):
        return sys.executable
    return environment() / "bin" / "python" if (environment() / "requirements.txt").exists() else None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def launch(count):
    """Runs this program again as `count` ranks, on loopback; the status of the first that failed, or why it cannot."""
    interpreter = python()
    if not interpreter:
        return "no PyTorch: cmake/install-deps.sh --python (downloads about 3 GB)"
    base = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()),
            "WORLD_SIZE": str(count), "GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
    ranks = [subprocess.Popen([interpreter, *sys.argv], env={**base, "RANK": str(rank)}) for rank in range(count)]
    return next((status for status in [rank.wait() for rank in ranks] if status != 0), 0)


def is_rank():
    return "RANK" in os.environ


def meet(device):
    """A rank: joins the others. Gives its torch.device and the backend.

    On GPUs that is NCCL, which needs one for each rank. Ranks that share a GPU have gloo, which copies through the
    host's memory.
    """
    import torch
    import torch.distributed as distributed

    torch.set_num_threads(1)
    if device == "cpu":
        distributed.init_process_group("gloo")
        return torch.device("cpu"), "gloo"
    rank, count, gpus = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), torch.cuda.device_count()
    if gpus == 0:
        sys.exit("no GPU that PyTorch can use; leave --device cuda out" if rank == 0 else 1)
    backend = "nccl" if gpus >= count else "gloo"
    if backend == "gloo" and rank == 0:
        print(f"NOT NCCL BUT GLOO: NCCL needs a GPU for each rank, here are {count} ranks and {gpus} GPUs",
              file=sys.stderr)
    here = torch.device("cuda", rank % gpus)
    torch.cuda.set_device(here)
    # As Runnel computes: in 32 bits.
    torch.backends.cudnn.allow_tf32 = False
    distributed.init_process_group(backend)
    return here, backend


def finish(device):
    """Waits until `device` has done all it was given."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
