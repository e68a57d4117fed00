#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The step time of PyTorch's DistributedDataParallel over gloo, with the reference CNN and Adadelta.

  ddp.py --set-up                        makes an environment of its own in ${RUNNEL_DEPS:-~/.cache/runnel}/ddp:
                                         torch 2.11.0 from pip, about 3 GB to download
  ddp.py --ranks 2 --batch 16 --steps 50 prints {"min": …, "p50": …}, in ms

Images are random: a step's time does not depend on them. Each rank has one thread, as a trainer of Runnel.
"""
import argparse
import json
import os
import socket
import subprocess
import sys
import time
import venv
from pathlib import Path

TORCH = "torch==2.11.0"
WARM_UP_STEPS = 5


def environment():
    cache = os.environ.get("RUNNEL_DEPS") or Path.home() / ".cache" / "runnel"
    return Path(cache) / "ddp"


def python():
    return environment() / "bin" / "python"


def is_set_up():
    return (environment() / "complete").exists()


def set_up():
    venv.create(environment(), with_pip=True)
    subprocess.run([python(), "-m", "pip", "install", "--quiet", TORCH], check=True)
    (environment() / "complete").touch()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def launch(arguments):
    """Starts the ranks, and gives the status of the first that failed."""
    base = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()),
            "WORLD_SIZE": str(arguments.ranks), "GLOO_SOCKET_IFNAME": "lo"}
    ranks = [subprocess.Popen([python(), __file__, *sys.argv[1:]], env={**base, "RANK": str(rank)})
             for rank in range(arguments.ranks)]
    return next((status for status in [rank.wait() for rank in ranks] if status != 0), 0)


def train(arguments):
    import torch
    from torch import nn
    import torch.distributed as distributed

    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10), nn.LogSoftmax(1))
    parallel = nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.Adadelta(parallel.parameters(), lr=0.1)
    images = torch.randn(arguments.batch, 1, 28, 28)
    labels = torch.randint(10, (arguments.batch,))
    times = []
    for _ in range(WARM_UP_STEPS + arguments.steps):
        begin = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.nll_loss(parallel(images), labels).backward()
        optimizer.step()
        times.append((time.perf_counter() - begin) * 1e3)
    times = sorted(times[WARM_UP_STEPS:])
    if distributed.get_rank() == 0:
        print(json.dumps({"min": times[0], "p50": times[(len(times) - 1) // 2]}))
    distributed.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set-up", action="store_true", help="install PyTorch for this program, then end")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=50)
    arguments = parser.parse_args()
    if "RANK" in os.environ:
        return train(arguments)
    if arguments.set_up:
        return set_up()
    if not is_set_up():
        return "no PyTorch of its own: bench/peers/ddp.py --set-up (downloads about 3 GB)"
    return launch(arguments)


if __name__ == "__main__":
    sys.exit(main())
