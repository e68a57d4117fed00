#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Writes table.csv into FOLDER, or beside this script: 10000 made-up houses, columns of mean 0 and deviation 1."""
import pathlib
import sys

import numpy as np

random = np.random.default_rng(1)
area = random.uniform(30, 250, 10000)
rooms = np.round(area / 30 + random.uniform(0, 2, 10000))
age = random.uniform(0, 100, 10000)
price = area * (3 - age / 50 + (age / 70) ** 2) + 20 * rooms + random.normal(0, 20, 10000)
table = np.stack([area, rooms, age, price], axis=1)
table = (table - table.mean(axis=0)) / table.std(axis=0)

folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent
np.savetxt(folder / "table.csv", table, fmt="%.6f", delimiter=",", header="area,rooms,age,price", comments="")
