# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""A small GPT over the bytes of a text, with the optimizer at the generators.

runnel run -n 2 gpt.py README.md --steps 200; torchrun --nproc-per-node 2 gpt.py …; python gpt.py …
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

import runnel

WIDTH, HEADS, LAYERS, CONTEXT, BATCH, ACCUMULATE = 128, 4, 4, 64, 8, 2


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(256, WIDTH)
        self.places = nn.Embedding(CONTEXT, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS, nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.out = nn.Linear(WIDTH, 256, bias=False)
        self.out.weight = self.tokens.weight
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT), persistent=False)

    def forward(self, text):
        x = self.tokens(text) + self.places.weight
        return self.out(self.layers(x, mask=self.mask, is_causal=True))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("text", type=Path)
    options.add_argument("--steps", type=int, default=200)
    options.add_argument("--save", type=Path)
    chosen = options.parse_args()

    runnel.init()
    text = torch.from_numpy(np.fromfile(chosen.text, np.uint8).astype(np.int64))
    torch.manual_seed(0)
    net, opt = runnel.shard(Gpt(), runnel.optim.AdamW(lr=1e-3, clip_norm=1.0))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, chosen.steps)
    random = torch.Generator().manual_seed(runnel.rank())  # each trainer reads elsewhere
    for step in range(chosen.steps):
        opt.zero_grad()
        for _ in range(ACCUMULATE):
            begins = torch.randint(len(text) - CONTEXT, (BATCH,), generator=random)
            windows = torch.stack([text[begin : begin + CONTEXT + 1] for begin in begins])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                scores = net(windows[:, :-1])
            loss = nn.functional.cross_entropy(scores.float().flatten(0, 1), windows[:, 1:].flatten())
            (loss / ACCUMULATE).backward()
        opt.step(loss=loss.item(), samples=ACCUMULATE * BATCH)
        schedule.step()
        if runnel.rank() == 0 and step % 20 == 0:
            print(f"step {step} loss {loss.item():.4f}")
    if runnel.rank() == 0 and chosen.save:
        torch.save(net.state_dict(), chosen.save)


if __name__ == "__main__":
    main()
