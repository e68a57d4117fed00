# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""A small network for MNIST with one of everything that a state_dict can hold."""
import torch
import torch.nn.functional as F
from torch import nn


class StateNet(nn.Module):
    """BatchNorm with its count of batches, frozen parameters of two types, a tied parameter, a mask."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3, stride=3), nn.BatchNorm2d(4)
        self.frozen = nn.Linear(324, 16)
        self.frozen.requires_grad_(False)
        self.scale = nn.Parameter(torch.linspace(0.5, 1.5, 16, dtype=torch.bfloat16), requires_grad=False)
        self.once, self.again = nn.Linear(16, 16, bias=False), nn.Linear(16, 16, bias=False)
        self.again.weight = self.once.weight
        self.out = nn.Linear(16, 10)
        self.register_buffer("mask", torch.arange(16) % 5 == 4)

    def forward(self, image):
        x = F.relu(self.norm(self.conv(image))).flatten(1)
        x = (torch.tanh(self.frozen(x)) * self.scale.float()).masked_fill(self.mask, 0.0)
        return F.log_softmax(self.out(self.again(torch.tanh(self.once(x)))), dim=1)
