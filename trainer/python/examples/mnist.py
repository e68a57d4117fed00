# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""MNIST's CNN, as a script for torch's DistributedDataParallel with three lines changed.

runnel run -n 2 mnist.py trainer/data/mnist --epochs 1; torchrun --nproc-per-node 2 mnist.py …; python mnist.py …
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import runnel


def load(folder, part):
    """Images and labels of the IDX files `part`."""
    with (
        gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as images,
        gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as labels,
    ):
        pixels = np.frombuffer(images.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
        digits = np.frombuffer(labels.read(), np.uint8, offset=8)
    return TensorDataset(
        torch.from_numpy((pixels / 255 - 0.1307) / 0.3081).float(), torch.from_numpy(digits.astype(np.int64))
    )


def make_net():
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)),
        *(nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)),
    )


def accuracy(net, dataset):
    net.eval()
    with torch.no_grad():
        right = sum((net(x).argmax(1) == y).sum().item() for x, y in DataLoader(dataset, batch_size=1000))
    net.train()
    return right / len(dataset)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("data", type=Path, help="folder of MNIST's files")
    options.add_argument("--epochs", type=int, default=1)
    options.add_argument("--steps", type=int, default=10**9, help="of an epoch, at most")
    chosen = options.parse_args()

    runnel.init()  # was: torch.distributed.init_process_group("gloo")
    rank, size = runnel.rank(), runnel.world_size()
    torch.manual_seed(rank)  # other dropout in each trainer; the parameters are those of trainer 0
    net = runnel.DistributedDataParallel(make_net())  # was: nn.parallel.DistributedDataParallel
    optimizer = torch.optim.Adadelta(net.parameters())

    dataset = load(chosen.data, "train")
    sampler = DistributedSampler(dataset, num_replicas=size, rank=rank)  # was: found by itself
    loader = DataLoader(dataset, batch_size=64, sampler=sampler)
    for epoch in range(chosen.epochs):
        sampler.set_epoch(epoch)
        for step, (images, labels) in zip(range(chosen.steps), loader):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images), labels)
            loss.backward()
            optimizer.step()
            if rank == 0 and step % 100 == 0:
                print(f"epoch {epoch} step {step} loss {loss.item():.4f}")
        if rank == 0:
            print(f"epoch {epoch} accuracy {accuracy(net, load(chosen.data, 't10k')):.4f}")


if __name__ == "__main__":
    main()
