# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Nets and optimizers of runnel.shard and of torch, and what tests of checkpoints do with them."""

import hashlib

import nets
import torch
from torch import nn

OPTIMIZERS = {
    "SGD": {"lr": 0.1, "weight_decay": 0.01},
    "momentum": {"lr": 0.1, "momentum": 0.9},
    "Adam": {"lr": 0.01, "weight_decay": 0.1},
    "AdamW": {"lr": 0.01, "betas": (0.8, 0.95)},
    "Adadelta": {},
}


def class_of(name):
    return "SGD" if name == "momentum" else name


def sharded(name):
    import runnel

    nets.set_up()
    torch.manual_seed(1)
    net, opt = runnel.shard(nets.Net(), getattr(runnel.optim, class_of(name))(**OPTIMIZERS[name]))
    return net, opt, torch.optim.lr_scheduler.StepLR(opt, step_size=2, gamma=0.5)


def plain(name, only_trained=False):
    nets.set_up()
    torch.manual_seed(2)
    net = nets.Net()
    parameters = [p for p in net.parameters() if p.requires_grad or not only_trained]
    return net, getattr(torch.optim, class_of(name))(parameters, **OPTIMIZERS[name])


def make_step(net, opt, rank, step):
    opt.zero_grad()
    images, labels = nets.batch(rank, step)
    nn.functional.cross_entropy(net(images), labels).backward()
    opt.step()


def digest_of(value):
    """Of a dictionary of dictionaries, lists, tensors and numbers."""
    if isinstance(value, torch.Tensor):
        return hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()
    if isinstance(value, dict):
        value = [(str(key), digest_of(one)) for key, one in value.items()]
    elif isinstance(value, (list, tuple)):
        value = [digest_of(one) for one in value]
    return hashlib.sha256(repr(value).encode()).hexdigest()
