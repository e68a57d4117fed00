# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Workers of a DataLoader: they serve, and end with their trainer, however that ends."""

import os
import signal
import time
import unittest

import launch
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Samples(Dataset):
    """Samples that name the process they come from."""

    def __len__(self):
        return 64

    def __getitem__(self, index):
        return torch.full((4,), float(index)), os.getpid()


def train(start_method, forever):
    """Gives the pids of the workers."""
    import runnel

    runnel.init()
    torch.manual_seed(1)
    net, opt = runnel.shard(nn.Linear(4, 1), runnel.optim.SGD())
    loader = DataLoader(Samples(), batch_size=8, num_workers=2, multiprocessing_context=start_method)
    workers = set()
    while True:
        for samples, pids in loader:
            workers |= set(pids.tolist())
            opt.zero_grad()
            net(samples).mean().backward()
            opt.step()
            if forever and len(workers) == 2:
                print("WORKERS", *workers, flush=True)
        if not forever:
            assert os.getpid() not in workers
            return sorted(workers)


def await_end(pids):
    deadline = time.monotonic() + launch.TIMEOUT_S
    for pid in pids:
        while os.path.exists(f"/proc/{pid}"):
            if time.monotonic() > deadline:
                raise AssertionError(f"worker {pid} did not end")
            time.sleep(0.05)


class WorkersTest(unittest.TestCase):
    def test_they_serve_and_end(self):
        for start_method in ("fork", "spawn"):
            with self.subTest(start_method):
                for pids in launch.run_job(train, start_method, False):
                    self.assertEqual(len(pids), 2)
                    await_end(pids)

    def test_they_end_with_a_trainer_that_a_signal_ends(self):
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
            with self.subTest(number), launch.Job(train, "fork", True) as job:
                workers = []
                for trainer in job.trainers:
                    for line in trainer.stdout:
                        if line.startswith("WORKERS"):
                            workers += map(int, line.split()[1:])
                            break
                self.assertEqual(len(workers), 4)
                job.trainers[0].send_signal(number)
                ended = job.wait()
                await_end(workers)
                self.assertIn("PeerLost: trainer 0 is lost", ended[1].err)


if __name__ == "__main__":
    unittest.main()
