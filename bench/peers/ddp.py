#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The step time of PyTorch's DistributedDataParallel over gloo, or over NCCL with a GPU for each rank.

  ddp.py --ranks 2 --batch 16 --steps 50 prints {"backend": "gloo", "min": …, "p50": …}, in ms
  ddp.py --ranks 2 --batch 1000 --model mnist-mlp --device cuda

Samples are random: a step's time does not depend on them. Each rank has one thread, as a trainer of Runnel. The models
are those of Runnel: mnist-cnn and mnist-mlp with Adadelta, resnet-20 with SGD and momentum, gpt with AdamW.
PyTorch is that of python3, or that of cmake/install-deps.sh --python.
"""
import argparse
import json
import sys
import time

import ranks

WARM_UP_STEPS = 5


def make_model(name):
    from torch import nn

    import networks

    if name == "gpt":
        return networks.Gpt(context=64, vocabulary=64)
    if name == "resnet-20":
        return networks.ResNet(depth=20)
    if name == "mnist-mlp":
        return nn.Sequential(
            nn.Flatten(), nn.Linear(784, 5120), nn.ReLU(), nn.Dropout(0.25), nn.Linear(5120, 5120), nn.ReLU(),
            nn.Dropout(0.5), nn.Linear(5120, 10), nn.LogSoftmax(1))
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10), nn.LogSoftmax(1))


def make_optimizer(name, parameters):
    from torch import optim

    if name == "gpt":
        return optim.AdamW(parameters, lr=0.001, weight_decay=0.1)
    if name == "resnet-20":
        return optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.0001)
    return optim.Adadelta(parameters, lr=0.1)


def make_batch(name, size, device):
    """Samples, and for each row of scores its class."""
    import torch

    if name == "gpt":
        return (torch.randint(64, (size, 64), device=device), torch.randint(64, (size * 64,), device=device))
    shape = (3, 32, 32) if name == "resnet-20" else (1, 28, 28)
    return torch.randn(size, *shape, device=device), torch.randint(10, (size,), device=device)


def loss_of(name, outputs, classes):
    from torch.nn import functional

    if name.startswith("mnist"):
        return functional.nll_loss(outputs, classes)
    return functional.cross_entropy(outputs.flatten(0, -2), classes)


def train(arguments):
    import torch
    from torch import nn
    import torch.distributed as distributed

    device, backend = ranks.meet(arguments.device)
    torch.manual_seed(1)
    parallel = nn.parallel.DistributedDataParallel(make_model(arguments.model).to(device))
    optimizer = make_optimizer(arguments.model, parallel.parameters())
    samples, classes = make_batch(arguments.model, arguments.batch, device)
    times = []
    for _ in range(WARM_UP_STEPS + arguments.steps):
        begin = time.perf_counter()
        optimizer.zero_grad()
        loss_of(arguments.model, parallel(samples), classes).backward()
        optimizer.step()
        ranks.finish(device)
        times.append((time.perf_counter() - begin) * 1e3)
    times = sorted(times[WARM_UP_STEPS:])
    if distributed.get_rank() == 0:
        print(json.dumps({"backend": backend, "min": times[0], "p50": times[(len(times) - 1) // 2]}))
    distributed.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--model", choices=("mnist-cnn", "mnist-mlp", "resnet-20", "gpt"), default="mnist-cnn")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    if ranks.is_rank():
        return train(arguments)
    return ranks.launch(arguments.ranks)


if __name__ == "__main__":
    sys.exit(main())
