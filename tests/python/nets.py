# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""A module with everything that an exchange has to bear, and data for it."""

import hashlib

import torch
from torch import nn


class Net(nn.Module):
    """Convolution, batch normalization, a tied, a frozen and an unused parameter, a mask with infinities."""

    def __init__(self, scalar=True):
        super().__init__()
        # A bias before the normalization has only noise as gradient, which Adam would blow up.
        self.conv = nn.Conv2d(1, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.hidden = nn.Linear(8 * 36, 40)
        self.out = nn.Linear(40, 10)
        self.tied = nn.Linear(40, 40, bias=False)
        self.again = nn.Linear(40, 40, bias=False)
        self.again.weight = self.tied.weight
        self.frozen = nn.Linear(40, 40).requires_grad_(False)
        self.unused = nn.Linear(3, 3)
        self.scale = nn.Parameter(torch.tensor(1.5))
        self.register_buffer("mask", torch.triu(torch.full((10, 10), float("-inf")), 1)[0])

    def forward(self, image):
        x = torch.relu(self.norm(self.conv(image))).flatten(1)
        x = torch.tanh(self.hidden(x))
        x = self.again(torch.tanh(self.tied(x))) + self.frozen(x)
        return self.out(x * self.scale) + torch.exp(self.mask[0])


def batch(rank, step, size=4):
    generator = torch.Generator().manual_seed(1000 * rank + step)
    images = torch.randn(size, 1, 8, 8, generator=generator)
    return images, torch.randint(10, (size,), generator=generator)


def set_up():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def digest(module, buffers=False):
    tensors = [*module.parameters(), *(module.buffers() if buffers else [])]
    return hashlib.sha256(b"".join(t.detach().contiguous().numpy().tobytes() for t in tensors)).hexdigest()
