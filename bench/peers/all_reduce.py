#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The time of PyTorch's all-reduce: NCCL on GPUs, gloo on the host and where ranks share a GPU.

  all_reduce.py --ranks 2 --bytes 4799528 --device cuda   prints {"backend": "nccl", "min": …, "p50": …}, in ms

Of a round: latest end - latest begin of the ranks' calls, the sum being usable on the device. PyTorch is
that of python3, or that of cmake/install-deps.sh --python.
"""
import argparse
import json
import sys
import time

import ranks

WARM_UP_ROUNDS = 10


def measure(arguments):
    import torch
    import torch.distributed as distributed

    device, backend = ranks.meet(arguments.device)
    gradients = torch.empty(arguments.bytes // 4, device=device)
    begins, ends = [], []
    for round_ in range(WARM_UP_ROUNDS + arguments.rounds):
        gradients.fill_(1e-3 * (round_ % 7 - 3))
        ranks.finish(device)
        distributed.barrier()
        begins.append(time.monotonic_ns())
        distributed.all_reduce(gradients)
        ranks.finish(device)
        ends.append(time.monotonic_ns())
    latest = torch.tensor([begins, ends], device=device)
    distributed.all_reduce(latest, distributed.ReduceOp.MAX)
    if distributed.get_rank() == 0:
        times = sorted(((latest[1] - latest[0])[WARM_UP_ROUNDS:] * 1e-6).tolist())
        print(json.dumps({"backend": backend, "min": times[0], "p50": times[(len(times) - 1) // 2]}))
    distributed.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--bytes", type=int, default=4799528)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    return measure(arguments) if ranks.is_rank() else ranks.launch(arguments.ranks)


if __name__ == "__main__":
    sys.exit(main())
