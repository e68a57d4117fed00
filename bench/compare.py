#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Measures Runnel against its peers; compare_options.py says what it takes, bench/README.md what the numbers mean."""
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import compare_gpu
import compare_networks
import compare_python
from compare_options import ROOT, parse
from compare_table import Table
from compare_tools import M, Bench, Missing, output_of, peer, train

TRANSPORTS = {"mapped": "posix,self", "one-sided": "posix,cma,self", "emulated": "tcp,self"}
PORT = 13870


class Perftest:
    """ucx_perftest of the UCX that runnel-bench is linked to."""

    def __init__(self, program, folder):
        linked = re.search(r"libucp\S* => (\S+)", output_of(["ldd", program]))
        if not linked:
            raise Missing("runnel-bench is linked to no libucp.so")
        libraries = Path(linked.group(1)).resolve().parent
        self.program = libraries.parent / "bin" / "ucx_perftest"
        if not self.program.exists():
            raise Missing(f"{self.program} is missing: this UCX was installed without its tools")
        self.environment = {**os.environ, "LD_LIBRARY_PATH": f"{folder}:{libraries}"}
        self.link_openmp(folder)

    def link_openmp(self, folder):
        """The tools of the UCX wheel need a libgomp under a name that only the wheel's own packaging has."""
        needed = re.findall(r"(libgomp-\S+) => not found", output_of(["ldd", self.program], env=self.environment))
        system = re.search(r"libgomp\.so\.1 .*=> (\S+)", output_of(["/sbin/ldconfig", "-p"]))
        if needed and not system:
            raise Missing("ucx_perftest needs libgomp.so.1: apt-get install libgomp1")
        for name in needed:
            (Path(folder) / name).symlink_to(system.group(1))

    def run(self, test, path, size, iterations):
        """Mean latency in s and rate in B/s, over all iterations."""
        environment = {**self.environment, "UCX_TLS": TRANSPORTS[path], "UCX_NET_DEVICES": "lo",
                       "UCX_RNDV_THRESH": "inf", "UCX_WARN_UNUSED_ENV_VARS": "n"}
        server = subprocess.Popen([self.program, "-p", str(PORT)], env=environment, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.3)
            text = output_of([self.program, "-p", str(PORT), "127.0.0.1", "-t", test, "-s", str(size), "-n",
                              str(iterations), "-w", str(max(10, iterations // 20)), "-f"], env=environment)
        finally:
            server.terminate()
            server.wait()
        numbers = [line.split() for line in text.splitlines() if re.match(r"\s*\d+\s", line)]
        if not numbers:
            raise Missing("ucx_perftest printed no result")
        return float(numbers[-1][3]) * 1e-6, float(numbers[-1][5]) * 2**20


def compare_ucx(table, bench, settings):
    with tempfile.TemporaryDirectory() as folder:
        try:
            perftest = Perftest(bench.program, folder)
        except Missing as why:
            return table.missing("ucx_perftest", why)
        for path in TRANSPORTS:
            compare_ucx_over(table, bench, perftest, settings, path)


def compare_ucx_over(table, bench, perftest, settings, path):
    def by_turns(name, counter, test, size, iterations, pick):
        pairs = []
        for _ in range(settings.repetitions):
            ours = bench.one(name, counter)
            pairs.append((ours, perftest.run(test, path, size, iterations)[pick]))
        return pairs

    tcp = path == "emulated"
    latency_target = "≤ 1.05 or + 20 ns"
    rows = [(f"put 8 B latency, {path}", "s", f"put_latency/{path}", "latency", "ucp_put_lat", 8,
             20000 if tcp else 1000000, 0, latency_target)]
    for size in (M, 64 << 20):
        rows.append((f"put {size} B, {path}", "B/s", f"put_bandwidth/{path}/bytes:{size}", "bytes_per_second",
                     "ucp_put_bw", size, max(10, (1 if tcp else 4) * (1 << 30) // size), 1, "≥ 0.97"))
    if not tcp:  # over posix alone, as forced for mapped, UCX emulates gets, and we copy from the mapping
        rows.append((f"get {M} B, {path}", "B/s", f"get_bandwidth/{path}/bytes:{M}", "bytes_per_second", "ucp_get", M,
                     400, 1, ""))
    for what, unit, name, counter, test, size, iterations, pick, target in rows:
        try:
            table.add(what, unit, by_turns(name, counter, test, size, iterations, pick), target)
        except Missing as why:
            table.missing(what, why)


def compare_mpi(table, bench, settings):
    with tempfile.TemporaryDirectory() as folder:
        for trainers, threads, target in ((2, 1, "≤ 0.8"), (2, 2, "≤ 0.8"), (4, 1, "≤ 0.3"), (4, 2, "≤ 0.3")):
            config = Path(folder) / "job.toml"
            config.write_text(f"[generator]\nthreads = {threads}\n")
            compare_collectives(table, bench, settings, trainers, threads, target, ["--config", str(config)])
    for size in (M, 64 << 20):
        what = f"put {size} B, mapped, against MPI_Put"
        try:
            runs = bench.run(f"^(put_bandwidth/mapped|mpi_put)/bytes:{size}/", 2,
                             ["--benchmark_enable_random_interleaving=true",
                              f"--benchmark_repetitions={settings.repetitions}"])
            rates = {name: [run["bytes_per_second"] for run in repetitions] for name, repetitions in runs.items()}
            ours, theirs = rates[f"put_bandwidth/mapped/bytes:{size}"], rates[f"mpi_put/bytes:{size}"]
            table.add(what, "B/s", list(zip(ours, theirs)))
        except Missing as why:
            table.missing(what, why)


def compare_collectives(table, bench, settings, trainers, threads, target, options):
    what = f"exchange + Adadelta, N={trainers}, {threads} thread{'s' * (threads > 1)}, against "
    try:
        measured = [bench.first("^exchange/mapped/", trainers + 1, options) for _ in range(settings.repetitions)]
        for name, counter in (("MPI_Allreduce", "mpi_allreduce"), ("MPI_Reduce+Bcast", "mpi_reduce_bcast")):
            pairs = [(run["exchange_p50_ms"] * 1e-3, run[f"{counter}_p50_ms"] * 1e-3) for run in measured]
            table.add(what + name, "s", pairs, target if counter == "mpi_allreduce" else "")
    except Missing as why:
        table.missing(what + "MPI", why)


def compare_with_itself(table, bench, settings):
    """What is no peer's: shares of a whole."""
    try:
        runs = [bench.first("^exchange/mapped/trainers:8/") for _ in range(settings.repetitions)]
        table.add("exchange p99 against its p50, N=8", "s",
                  [(run["exchange_p99_ms"] * 1e-3, run["exchange_p50_ms"] * 1e-3) for run in runs], "≤ 2")
        shares = [bench.one("idle_generator/mapped/trainers:2", "share_of_a_core")
                  for _ in range(settings.repetitions)]
        table.add("CPU of an idle generator, against a core", "s", [(share, 1.0) for share in shares], "< 0.01")
        runs = bench.run("^reduction/", options=[f"--benchmark_repetitions={settings.repetitions}"])
        for name, repetitions in runs.items():
            trainers = int(re.search(r"trainers:(\d+)", name).group(1))
            floor = [(trainers + 6) * M / run["memcpy_bytes_per_second"] for run in repetitions]
            table.add(f"sum + Adadelta, N={trainers}, against its floor", "s",
                      [(run["real_time"] * 1e-3, least) for run, least in zip(repetitions, floor)])
    except Missing as why:
        table.missing("exchange, idle generator, reduction", why)


def compare_hosts(table, bench, settings):
    what = f"put {M} B over tcp, two hosts, against "
    with tempfile.TemporaryDirectory() as folder:
        environment, program = os.environ, "-"
        try:
            perftest = Perftest(bench.program, folder)
            environment, program = perftest.environment, str(perftest.program)
        except Missing:
            pass  # compare_ucx says why
        command = [str(ROOT / "bench/peers/hosts.sh"), bench.program, program, str(M),
                   str(max(1, round(settings.min_time))), str(settings.repetitions)]
        try:
            lines = [line.split() for line in output_of(command, env=environment).splitlines()]
        except Missing as why:
            return table.missing(what + "iperf3", why)
    for column, name, target in ((1, "ucx_perftest", "≥ 1"), (2, "iperf3", "≥ 0.90")):
        if lines[0][column] == "-":
            table.missing(what + name, f"no {name} on this machine")
        else:
            table.add(what + name, "B/s", [(float(line[0]), float(line[column])) for line in lines], target)


def compare_shards(table, bench, settings):
    for hosts, target in ((4, "≤ 1"), (8, "≤ 0.77")):
        what = f"exchange over 1 Gbit/s, 4 generators and 4 trainers on {hosts} hosts, against MPI's ring"
        command = [str(ROOT / "bench/peers/ring.sh"), bench.program, str(hosts), "4", "4", "1gbit",
                   str(settings.repetitions)]
        try:
            lines = [line.split() for line in output_of(command).splitlines()]
            table.add(what, "s", [(float(ours) * 1e-3, float(ring) * 1e-3) for ours, ring in lines], target)
        except Missing as why:
            table.missing(what, why)


def compare_ddp(table, bench, settings):
    program = Path(bench.program).with_name("runnel")
    targets = {(2, 1): "≤ 0.2", (4, 1): "≤ 0.167", (2, 1000): "≤ 0.5"}
    for trainers in (2, 4):
        for batch in (1, 16) if settings.quick else (1, 16, 1000):
            what = f"step at batch {batch}, N={trainers}, against DDP gloo"
            steps = {1: 300, 16: 60, 1000: 5}[batch]
            try:
                pairs = []
                for _ in range(settings.repetitions if batch < 1000 else 1):
                    settings_of_run = {"trainer.batch_size": batch, "run.max_gradients": steps * trainers,
                                       "generator.device": "cpu", "trainer.device": "cpu"}
                    pairs.append((train(program, ["-n", str(trainers)], settings_of_run),
                                  peer("ddp.py", ranks=trainers, batch=batch, steps=steps)["p50"] * 1e-3))
                table.add(what, "s", pairs, targets.get((trainers, batch), "< 1"))
            except Missing as why:
                table.missing(what, why)


MEASURE = {"ucx": compare_ucx, "mpi": compare_mpi, "self": compare_with_itself, "hosts": compare_hosts,
           "shards": compare_shards, "ddp": compare_ddp, "networks": compare_networks.compare_networks,
           "python": compare_python.compare_python,
           "gpu": compare_gpu.compare_exchange, "gpu-training": compare_gpu.compare_training}


def main():
    settings = parse()
    bench = Bench(settings.build.resolve(), settings.min_time)
    table = Table()
    for name in settings.only:
        MEASURE[name](table, bench, settings)
        if settings.json:
            table.write(settings.json, bench.context, settings.repetitions)
    return 0 if table.measured() else 1


if __name__ == "__main__":
    sys.exit(main())
