#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Writes images.npz into FOLDER, or beside this script: 4000 noisy images of ten coloured stripe patterns."""
import pathlib
import sys

import numpy as np

random = np.random.default_rng(1)
y = random.integers(0, 10, 4000)
rows, columns = np.mgrid[0:32, 0:32] / 32
angle = y[:, None, None] * np.pi / 10
phase = random.uniform(0, 2 * np.pi, (4000, 1, 1))
stripes = np.sin(8 * np.pi * (rows * np.cos(angle) + columns * np.sin(angle)) + phase)
tint = random.uniform(0.5, 1, (4000, 3, 1, 1))
x = 128 + 80 * tint * stripes[:, None] + random.normal(0, 20, (4000, 3, 32, 32))

folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent
np.savez(folder / "images.npz", x=x.clip(0, 255).astype(np.uint8), y=y)
