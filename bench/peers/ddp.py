#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The step time of PyTorch's DistributedDataParallel over gloo, or over NCCL with a GPU for each rank.

  ddp.py --ranks 2 --batch 16 --steps 50 prints {"backend": "gloo", "min": …, "p50": …}, in ms
  ddp.py --ranks 2 --batch 1000 --model mnist-mlp --device cuda
  runnel run -n 2 ddp.py --over shard … is the same script over Runnel: its DistributedDataParallel (ddp) or shard

Samples are random: a step's time does not depend on them. Each rank has one thread, as a trainer of Runnel. The models
are those of Runnel: mnist-cnn and mnist-mlp with Adadelta, resnet-20 with SGD and momentum, gpt with AdamW; or
plain SGD.
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


def optimizer_of(name, optimizer):
    """Its name in torch.optim and in runnel.optim, and its arguments."""
    if optimizer == "sgd":
        return "SGD", {"lr": 0.1}
    if name == "gpt":
        return "AdamW", {"lr": 0.001, "weight_decay": 0.1}
    if name == "resnet-20":
        return "SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0001}
    return "Adadelta", {"lr": 0.1}


def make_parallel(arguments, model):
    """The model as all ranks train it, and its optimizer."""
    from torch import nn, optim

    name, settings = optimizer_of(arguments.model, arguments.optimizer)
    if arguments.over == "shard":
        import runnel

        return runnel.shard(model, getattr(runnel.optim, name)(**settings))
    if arguments.over == "ddp":
        import runnel

        parallel = runnel.DistributedDataParallel(model)
    else:
        parallel = nn.parallel.DistributedDataParallel(model)
    return parallel, getattr(optim, name)(parallel.parameters(), **settings)


def meet(arguments):
    """Joins the other ranks: the device, the backend's name, and this rank."""
    if arguments.over != "gloo":
        import runnel
        import torch

        torch.set_num_threads(1)
        runnel.init()
        return torch.device("cpu"), arguments.over, runnel.rank()
    import torch.distributed as distributed

    device, backend = ranks.meet(arguments.device)
    return device, backend, distributed.get_rank()


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

    device, backend, rank = meet(arguments)
    torch.manual_seed(1)
    parallel, optimizer = make_parallel(arguments, make_model(arguments.model).to(device))
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
    if rank == 0:
        print(json.dumps({"backend": backend, "min": times[0], "p50": times[(len(times) - 1) // 2]}))
    if arguments.over == "gloo":
        torch.distributed.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--model", choices=("mnist-cnn", "mnist-mlp", "resnet-20", "gpt"), default="mnist-cnn")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--over", choices=("gloo", "ddp", "shard"), default="gloo")
    parser.add_argument("--optimizer", choices=("own", "sgd"), default="own")
    arguments = parser.parse_args()
    if ranks.is_rank():
        return train(arguments)
    return ranks.launch(arguments.ranks)


if __name__ == "__main__":
    sys.exit(main())
