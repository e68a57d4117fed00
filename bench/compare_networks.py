# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""What compare.py measures of the networks that options shape: against DDP, and as an exported file against C++."""
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from compare_options import ROOT
from compare_tools import Missing, output_of, peer, train

sys.path.insert(0, str(ROOT / "bench/peers"))
import ranks  # noqa: E402


@dataclass(frozen=True)
class Network:
    """A row's network: the same in C++, in peers/networks.py and in peers/ddp.py, with the same optimizer."""
    batch: int  # of a trainer
    model: str  # [model] in C++
    rest: str  # of the configuration
    module: str  # in networks.py
    arguments: str  # of the module, as JSON
    example: str  # of a batch


NETWORKS = {
    "gpt": Network(
        8, 'name = "gpt"\noptions = { context = 64, vocabulary = 64 }',
        '[data]\nname = "synthetic"\n'
        'options = { kind = "tokens", context = 64, vocabulary = 64, test_samples = 8 }\n'
        '[objective]\nname = "cross_entropy"\noptions = { classes = "last" }\n'
        '[optimizer]\nname = "adamw"\nlr = 0.001\nweight_decay = 0.1\n',
        "Gpt", '{"context": 64, "vocabulary": 64}', "tokens:int64[8,64]"),
    "resnet-20": Network(
        16, 'name = "resnet"',
        '[data]\nname = "synthetic"\noptions = { test_samples = 16 }\n[objective]\nname = "cross_entropy"\n'
        '[optimizer]\nname = "sgd"\nlr = 0.1\nmomentum = 0.9\nweight_decay = 0.0001\n',
        "ResNet", "{}", "images:float32[16,3,32,32]"),
}


def configuration(network, model, file, steps):
    """Writes it to `file`."""
    file.write_text(f'[model]\n{model}\n{network.rest}reduce = "mean"\n[run]\nmax_gradients = 0\nmax_steps = {steps}\n'
                    f'[trainer]\nbatch_size = {network.batch}\ndevice = "cpu"\n[generator]\ndevice = "cpu"\n')
    return file


def export(network, file):
    """Writes the module of networks.py to `file`, as trainer/examples/export_model.py does it."""
    python = ranks.python()
    if not python:
        raise Missing("no PyTorch: cmake/install-deps.sh --python (downloads about 3 GB)")
    output_of([str(python), str(ROOT / "trainer/examples/export_model.py"),
               f"{ROOT / 'bench/peers/networks.py'}:{network.module}", "--args", network.arguments, "--example",
               network.example, "-o", str(file)])


def compare_networks(table, bench, settings):
    program = Path(bench.program).with_name("runnel")
    steps = 4 if settings.quick else 15
    for name, network in NETWORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            in_cpp = configuration(network, network.model, Path(folder) / "cpp.toml", steps)
            for trainers in (2, 4):
                what = f"step of {name} at batch {network.batch}, N={trainers}, against DDP gloo"
                measure(table, settings, what, "< 1", lambda: train(program, ["-n", str(trainers)], {}, in_cpp), lambda:
                        peer("ddp.py", ranks=trainers, batch=network.batch, steps=steps, model=name)["p50"] * 1e-3)
            compare_export(table, settings, program, name, in_cpp, steps)


def compare_export(table, settings, program, name, in_cpp, steps):
    network = NETWORKS[name]
    what = f"step of {name} at batch {network.batch}, N=2, as .pt2 against C++"
    archive = in_cpp.with_name("net.pt2")
    try:
        export(network, archive)
    except Missing as why:
        return table.missing(what, why)
    exported = configuration(network, f'name = "export"\nfile = "{archive}"', in_cpp.with_name("export.toml"), steps)
    measure(table, settings, what, "", lambda: train(program, ["-n", "2"], {}, exported),
            lambda: train(program, ["-n", "2"], {}, in_cpp))


def measure(table, settings, what, target, ours, theirs):
    """A row of times in s, by turns."""
    try:
        table.add(what, "s", [(ours(), theirs()) for _ in range(settings.repetitions)], target)
    except Missing as why:
        table.missing(what, why)
