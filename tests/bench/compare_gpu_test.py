#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""compare_gpu_test.py BENCH_FOLDER: which rows bench/compare_gpu.py makes, with stand-ins for the programs it runs."""
import sys
from types import SimpleNamespace
from unittest import TestCase, main, mock

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv.pop(1))
import compare_gpu  # noqa: E402: found by the line above
from compare_table import Table  # noqa: E402
from compare_tools import Missing  # noqa: E402


class Bench:
    program = "folder/runnel-bench"

    def first(self, pattern):
        if "device_reduction" in pattern:
            return {"bytes_per_second": 9.0, "copy_bytes_per_second": 10.0}
        return {"exchange_p50_ms": 4.0 if "generator:cpu" in pattern else 2.0}


def step(program, arguments, settings):
    """1 s; alone four times as long, and a generator on the host twice."""
    return 4.0 if "--alone" in arguments else 2.0 if settings["generator.device"] == "cpu" else 1.0


class Rows(TestCase):
    def rows(self, compare, gpu_count, train=step):
        table = Table()
        with mock.patch.object(compare_gpu, "gpus", lambda: ["a GPU"] * gpu_count), \
             mock.patch.object(compare_gpu, "peer", lambda script, **options: {"p50": 8000.0}), \
             mock.patch.object(compare_gpu, "train", train):
            compare(table, Bench(), SimpleNamespace(repetitions=2))
        return {row["what"]: row.get("ratio", row.get("missing")) for row in table.rows}

    def test_nccl_where_each_rank_has_a_gpu(self):
        rows = self.rows(compare_gpu.compare_exchange, gpu_count=2)
        self.assertEqual(rows["exchange of mnist-cnn, N=2, on GPUs, against all-reduce of NCCL"], 2.0 / 8000)
        self.assertIn("4 ranks, 2 GPU(s)", rows["exchange of mnist-cnn, N=4, on GPUs, against NCCL"])
        self.assertEqual(rows["exchange of mnist-cnn, N=4, on GPUs, against all-reduce of gloo"], 2.0 / 8000)

    def test_reduction_and_placement(self):
        rows = self.rows(compare_gpu.compare_exchange, gpu_count=4)
        self.assertEqual(rows["sum + Adadelta on the GPU, N=4, against its copy"], 0.9)
        self.assertEqual(rows["exchange of mnist-mlp, N=2, on GPUs, against a generator on the host"], 0.5)
        self.assertFalse([what for what, ratio in rows.items() if isinstance(ratio, str)], "rows that are missing")

    def test_training(self):
        rows = self.rows(compare_gpu.compare_training, gpu_count=4)
        self.assertEqual(rows["step of mnist-cnn, N=4, on GPUs, against DDP over NCCL"], 1 / 8)
        self.assertEqual(rows["mnist-mlp, N=2, on GPUs, against one process"], 4.0)
        self.assertEqual(rows["mnist-mlp, N=2, on GPUs, against a generator on the host"], 2.0)

    def test_a_program_that_fails_is_said_and_the_rest_goes_on(self):
        def train(program, arguments, settings):
            if settings["model.name"] == "mnist-cnn":
                raise Missing("runnel failed: no such model")
            return step(program, arguments, settings)

        rows = self.rows(compare_gpu.compare_training, gpu_count=4, train=train)
        self.assertEqual(rows["mnist-cnn, N=2, on GPUs"], "runnel failed: no such model")
        self.assertEqual(rows["mnist-mlp, N=4, on GPUs, against one process"], 4.0)


if __name__ == "__main__":
    main()
