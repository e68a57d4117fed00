# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""runnel.shard gives the bits of `runnel train` with the same module, data, order and threads."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import launch
import numpy
import torch
from state_net import StateNet
from torch import nn

RUNNEL = launch.PACKAGE.parent / "runnel"
EXPORT = Path(__file__).resolve().parents[2] / "trainer/examples/export_model.py"
TRAINERS, BATCH, STEPS = 2, 8, 6
OPTIMIZERS = {"SGD": {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}, "AdamW": {"lr": 0.01, "clip_norm": 0.5}}
CONFIG = """
model = { name = "export", file = "net.pt2" }
objective = { name = "nll" }
[data]
name = "npy"
path = "data"
shuffle = "no"
options = { inputs = ["x"], target = "y", test_inputs = ["x"], test_target = "y" }
"""


class PlainNet(nn.Sequential):
    """Nothing frozen, no buffers."""

    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10), nn.LogSoftmax(dim=1))


NETS = {"PlainNet": (__file__, PlainNet), "StateNet": (Path(__file__).with_name("state_net.py"), StateNet)}


def make_data(folder):
    generator = torch.Generator().manual_seed(7)
    samples = TRAINERS * BATCH * STEPS
    numpy.save(folder / "x.npy", torch.randn(samples, 1, 28, 28, generator=generator).numpy())
    numpy.save(folder / "y.npy", torch.randint(10, (samples,), generator=generator).numpy())


def train(folder, net_name, optimizer):
    import runnel

    torch.set_num_threads(1)
    folder = Path(folder)
    net = NETS[net_name][1]()
    net.load_state_dict(torch.export.load(folder / "net.pt2").state_dict)
    runnel.init()
    net, opt = runnel.shard(net, getattr(runnel.optim, optimizer)(**OPTIMIZERS[optimizer]))
    part = slice(runnel.rank() * BATCH * STEPS, (runnel.rank() + 1) * BATCH * STEPS)
    images, labels = (torch.from_numpy(numpy.load(folder / "data" / file)[part]) for file in ("x.npy", "y.npy"))
    for image, label in zip(images.split(BATCH), labels.split(BATCH), strict=True):
        opt.zero_grad()
        loss = nn.functional.nll_loss(net(image), label)
        loss.backward()
        opt.step(loss=loss.item(), samples=BATCH)


@unittest.skipUnless(RUNNEL.exists(), f"SKIPPED, NOT TESTED: no {RUNNEL}; build the target runnel")
class BitsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "data").mkdir()
        make_data(self.folder / "data")
        (self.folder / "net.toml").write_text(CONFIG)

    def export(self, name):
        command = [sys.executable, EXPORT, f"{NETS[name][0]}:{name}", "--example", "image:float32[2,1,28,28]"]
        subprocess.run([*command, "-o", self.folder / "net.pt2"], check=True, stdout=subprocess.DEVNULL)

    def digest(self):
        return json.loads((self.folder / "report.json").read_text())["parameters_sha256"]

    def of_program(self, optimizer):
        sets = {
            "trainer.batch_size": BATCH,
            "trainer.kernels": '"torch"',
            "run.max_epochs": 1,
            "run.max_gradients": 0,
            "optimizer.name": f'"{optimizer.lower()}"',
            "optimizer.reduce": '"mean"',
            **{f"optimizer.{key}": value for key, value in OPTIMIZERS[optimizer].items()},
        }
        command = [RUNNEL, "train", self.folder / "net.toml", "-n", str(TRAINERS)]
        command += ["--report", self.folder / "report.json"]
        for key, value in sets.items():
            command += ["--set", f"{key}={value}"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=launch.TIMEOUT_S)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return self.digest()

    def of_package(self, name, optimizer):
        settings = [f"run.report={self.folder / 'report.json'}"]
        launch.run_job(train, str(self.folder), name, optimizer, trainers=TRAINERS, settings=settings)
        return self.digest()

    def test_same_bits_as_the_program(self):
        for name, optimizer in (("PlainNet", "AdamW"), ("StateNet", "SGD")):
            with self.subTest(name, optimizer=optimizer):
                self.export(name)
                self.assertEqual(self.of_package(name, optimizer), self.of_program(optimizer))


if __name__ == "__main__":
    unittest.main()
