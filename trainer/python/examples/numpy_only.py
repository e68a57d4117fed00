# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Least squares without torch: each trainer has a part of the data. `python numpy_only.py`, or `runnel run -n 4 …`."""

import numpy as np

import runnel

runnel.init()
random = np.random.default_rng(0)
x = random.standard_normal((512, 32), dtype=np.float32)
truth = random.standard_normal(32, dtype=np.float32)
y = x @ truth
mine = slice(runnel.rank(), None, runnel.world_size())
x, y = x[mine], y[mine]

with runnel.Client([("w", (32,))], [np.zeros(32)], optimizer=runnel.optim.SGD(lr=0.1)) as client:
    for _ in range(200):
        error = x @ client.value(0) - y
        client.gradient(0)[:] = 2 / len(x) * error @ x
        client.push(loss=float(np.mean(error**2)), samples=len(x))
        client.pull()
    if runnel.rank() == 0:
        print("largest error", float(np.abs(client.value(0) - truth).max()))
