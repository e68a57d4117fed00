#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Writes tokens.bin into FOLDER, or beside this script: the bytes of 20000 made-up sentences, as uint16."""
import pathlib
import sys

import numpy as np

random = np.random.default_rng(1)
WORDS = (["the ", "a ", "every "], ["small ", "green ", "quiet ", "old "], ["river ", "engineer ", "cat ", "cluster "],
         ["carries ", "sees ", "trains ", "follows "], ["the ", "a ", "no "], ["boat.\n", "model.\n", "moon.\n"])
choices = [random.integers(0, len(words), 20000) for words in WORDS]
text = "".join(words[i] for sentence in zip(*choices) for words, i in zip(WORDS, sentence))

folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent
np.frombuffer(text.encode(), np.uint8).astype(np.uint16).tofile(folder / "tokens.bin")
