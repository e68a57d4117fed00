# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""What compare.py measures on GPUs: sum and optimizer, the exchange, and training. bench/README.md defines the rows."""
from pathlib import Path

from compare_tools import M, Missing, peer, train
from gpus import NoGpu, gpus

TRAINERS = (2, 4)
LAYOUTS = {"mnist-cnn": M, "mnist-mlp": 121_159_720}  # model: bytes of its parameters
BATCH = 1000  # a trainer's
STEPS = 60


def count_gpus(table, what):
    """0, and a line in the table, where there is none."""
    try:
        return len(gpus())
    except NoGpu as why:
        table.missing(what, why)
        return 0


def name_of_peer(table, what, ranks, gpu_count):
    """NCCL where it can be had. Ranks that share a GPU are measured against gloo, and the table says so."""
    if gpu_count >= ranks:
        return "NCCL"
    table.missing(what + "NCCL", f"NCCL needs a GPU for each rank: {ranks} ranks, {gpu_count} GPU(s); gloo follows")
    return "gloo"


def compare_exchange(table, bench, settings):
    gpu_count = count_gpus(table, "sum and optimizer, exchange on GPUs")
    if gpu_count == 0:
        return
    for trainers in TRAINERS:
        compare_reduction(table, bench, settings, trainers)
        for model in LAYOUTS:
            compare_all_reduce(table, bench, settings, trainers, model, gpu_count)


def compare_reduction(table, bench, settings, trainers):
    what = f"sum + Adadelta on the GPU, N={trainers}, against its copy"
    try:
        reduction = f"^device_reduction/trainers:{trainers}/bytes:{LAYOUTS['mnist-mlp']}/"
        runs = [bench.first(reduction) for _ in range(settings.repetitions)]
        table.add(what, "B/s", [(run["bytes_per_second"], run["copy_bytes_per_second"]) for run in runs], "≥ 0.85")
    except Missing as why:
        table.missing(what, why)


def compare_all_reduce(table, bench, settings, trainers, model, gpu_count):
    what = f"exchange of {model}, N={trainers}, on GPUs, against "
    theirs = name_of_peer(table, what, trainers, gpu_count)
    size = LAYOUTS[model]

    def exchange(placement):
        name = f"^device_exchange/{placement}/trainers:{trainers}/bytes:{size}/"
        return bench.first(name)["exchange_p50_ms"] * 1e-3

    try:
        rounds = [(exchange("generator:cuda/trainer:cuda"),
                   peer("all_reduce.py", ranks=trainers, bytes=size, device="cuda")["p50"] * 1e-3,
                   exchange("generator:cpu/trainer:cuda")) for _ in range(settings.repetitions)]
        table.add(f"{what}all-reduce of {theirs}", "s", [(ours, all_reduce) for ours, all_reduce, _ in rounds])
        table.add(f"{what}a generator on the host", "s", [(ours, on_host) for ours, _, on_host in rounds])
    except Missing as why:
        table.missing(what + theirs, why)


def compare_training(table, bench, settings):
    gpu_count = count_gpus(table, "training on GPUs")
    if gpu_count == 0:
        return
    program = Path(bench.program).with_name("runnel")
    for model in LAYOUTS:
        for trainers in TRAINERS:
            compare_steps(table, program, settings, model, trainers, gpu_count)


def compare_steps(table, program, settings, model, trainers, gpu_count):
    """A job's step against DDP's, and its samples per second against one process and against a generator on the host."""
    what = f"{model}, N={trainers}, on GPUs, "
    theirs = name_of_peer(table, f"step of {what}against DDP over ", trainers, gpu_count)
    job = {"model.name": model, "trainer.batch_size": BATCH, "trainer.device": "cuda", "generator.device": "cuda",
           "run.max_epochs": 1000, "run.max_gradients": STEPS * trainers}
    # One process makes the same step: the batches of all trainers are one.
    alone = {**job, "trainer.batch_size": BATCH * trainers, "run.max_gradients": STEPS}
    ours, ddp, single, staged = [], [], [], []
    try:
        for _ in range(settings.repetitions):
            ours.append(train(program, ["-n", str(trainers)], job))
            step = peer("ddp.py", ranks=trainers, batch=BATCH, steps=STEPS, model=model, device="cuda")
            ddp.append(step["p50"] * 1e-3)
            single.append(train(program, ["--alone"], alone))
            staged.append(train(program, ["-n", str(trainers)], {**job, "generator.device": "cpu"}))
    except Missing as why:
        return table.missing(what.removesuffix(", "), why)
    table.add(f"step of {what}against DDP over {theirs}", "s", list(zip(ours, ddp)))
    samples = BATCH * trainers
    for name, others in (("against one process", single), ("against a generator on the host", staged)):
        table.add(what + name, "samples/s", [(samples / own, samples / other) for own, other in zip(ours, others)])
