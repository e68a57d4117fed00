#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Trains a module of PyTorch's with runnel and takes the result back: round_trip.py RUNNEL FOLDER.

A failed assertion ends it with a traceback and status 1.
"""
import gzip
import json
import subprocess
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file, save_model

from state_net import StateNet

SOURCE = Path(__file__).resolve().parents[2]
DATA = SOURCE / "trainer/data/mnist"
CONFIG = f"""
model = {{ name = "export", file = "net.pt2" }}
data = {{ path = "{DATA}" }}
trainer = {{ device = "cpu", batch_size = 200 }}
generator = {{ device = "cpu" }}
"""
STEPS = 5


def export(folder):
    """Writes the model and a configuration for it."""
    (folder / "net.toml").write_text(CONFIG)
    subprocess.run([sys.executable, SOURCE / "trainer/examples/export_model.py",
                    f"{Path(__file__).parent / 'state_net.py'}:StateNet", "--example", "image:float32[2,1,28,28]",
                    "-o", folder / "net.pt2"], check=True)


def train(runnel, folder, options):
    """The report of a run and the state dict that it saves."""
    report, saved = folder / "report.json", folder / "trained.safetensors"
    saved.unlink(missing_ok=True)
    subprocess.run([runnel, "train", folder / "net.toml", "--report", report, "--save", saved] + options, check=True)
    return json.loads(report.read_text()), load_file(saved)


def mnist_test_set():
    images = bytearray(gzip.decompress((DATA / "t10k-images-idx3-ubyte.gz").read_bytes())[16:])
    labels = bytearray(gzip.decompress((DATA / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:])
    pixels = torch.frombuffer(images, dtype=torch.uint8).view(-1, 1, 28, 28).float() / 255
    return (pixels - 0.1307) / 0.3081, torch.frombuffer(labels, dtype=torch.uint8).long()


def loss_of(module):
    images, labels = mnist_test_set()
    with torch.no_grad():
        return F.nll_loss(module.eval()(images), labels).item()


def check(report, state, steps):
    """Loads `state` into a new module, strictly, and compares its loss with the report's."""
    module = StateNet()
    module.load_state_dict(state, strict=True)
    assert module.norm.num_batches_tracked.item() == steps, module.norm.num_batches_tracked
    loss, reported = loss_of(module), report["test"]["loss"]
    print(f"test loss: PyTorch {loss:.7f}, runnel {reported:.7f}")
    assert abs(loss - reported) < 1e-5, (loss, reported)
    return module


def main():
    runnel, folder = sys.argv[1], Path(sys.argv[2])
    export(folder)
    for way in (["--alone"], ["-n", "2"]):
        count = 1 if way == ["--alone"] else 2
        options = way + ["--set", f"run.max_gradients={STEPS * count}"]
        first = check(*train(runnel, folder, options), STEPS)

        # From PyTorch's file: the same values, and other counts and frozen values where Python has changed them.
        start = {name: tensor.clone() for name, tensor in first.state_dict().items()}
        start["norm.num_batches_tracked"] += 100
        start["frozen.bias"] += 0.25
        start["mask"] = ~start["mask"]
        save_file({f"module.{name}": tensor for name, tensor in start.items()}, folder / "start.safetensors")
        options += ["--set", f"model.init={folder / 'start.safetensors'}", "--set", "model.init_prefix=module."]
        second = check(*train(runnel, folder, options), 100 + 2 * STEPS)
        kept = {"scale", "frozen.weight", "frozen.bias", "mask"}
        state = second.state_dict()
        assert all(torch.equal(state[name], start[name]) for name in kept)
        assert not torch.equal(state["once.weight"], start["once.weight"])
        assert torch.equal(state["once.weight"], state["again.weight"])
    # save_model leaves out all names of a tied parameter but one.
    save_model(StateNet(), str(folder / "tied.safetensors"))
    assert len(load_file(folder / "tied.safetensors")) == len(state) - 1
    options = ["--alone", "--dry-run", "--set", f"model.init={folder / 'tied.safetensors'}"]
    check(*train(runnel, folder, options), 1)


if __name__ == "__main__":
    main()
