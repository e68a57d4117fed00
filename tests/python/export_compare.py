#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""What export_model.py says of modules with an `if` in forward: export_compare.py FOLDER.

A failed assertion ends it with a traceback and status 1.
"""
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "trainer/examples/export_model.py"
NET = """
import torch
import torch.nn.functional as F

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.norm, self.drop = torch.nn.Linear(8, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.5)
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.passes.add_(1)
        return self.drop(self.norm(self.fc(x))) + self.passes

class Noise(Net):
    def forward(self, x):
        return super().forward(x + torch.randn_like(x) if self.training else x)

class Many(Net):
    def forward(self, x):
        return super().forward(x) * (2 if x.size(0) > 3 else 1)

class Even(Net):
    def forward(self, x):
        return super().forward(x) * (2 if x.size(0) % 2 == 0 else 1)

class One(Net):
    def forward(self, x):
        return self.fc(x) * (2 if x.size(0) == 1 else 1)
"""


def export(folder, name):
    """Status, the last line of standard error, and whether there is a file."""
    file = folder / f"{name}.pt2"
    done = subprocess.run([sys.executable, SCRIPT, f"{folder / 'net.py'}:{name}", "--example", "x:float32[6,8]", "-o",
                           file], capture_output=True, text=True)
    return done.returncode, done.stderr.strip().splitlines()[-1:], file.exists()


def main():
    folder = Path(sys.argv[1])
    (folder / "net.py").write_text(NET)
    assert export(folder, "Net") == (0, [], True)
    status, lines, exists = export(folder, "Noise")
    assert (status, exists) == (0, True) and "warning: in eval() the module does something else" in lines[0], lines
    for name, batch in (("Many", 1), ("Even", 1), ("One", 1)):
        status, lines, exists = export(folder, name)
        assert (status, exists) == (1, False), name
        assert f"error: the module does something else with a batch of {batch} than with one of 6" in lines[0], lines
    status, lines, _ = export(folder, "missing/Net")
    assert (status, lines) == (1, [f"export_model.py: error: -o {folder / 'missing/Net.pt2'}: there is no such folder"])


if __name__ == "__main__":
    main()
