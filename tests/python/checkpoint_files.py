# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""checkpoint_files.py STEP_FOLDER EXPORTED: reads a checkpoint as its README describes it, and what was exported."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


folder, exported = Path(sys.argv[1]), load_file(sys.argv[2])
text = (folder / "manifest.json").read_bytes()
manifest = json.loads(text)
assert manifest["step"] == 2 and manifest["format_version"] == 1
assert sha256(text[: text.rindex(b',\n  "sha256"')]) == manifest["sha256"], "the manifest's own digest"

parts: dict[str, list[tuple[int, int, np.ndarray]]] = {}
for shard in manifest["shards"]:
    data = (folder / shard["file"]).read_bytes()
    header_end = 8 + int.from_bytes(data[:8], "little")
    assert len(data) == shard["bytes"] and sha256(data[:header_end]) == shard["header_sha256"], shard
    with safe_open(folder / shard["file"], framework="numpy") as file:
        for name in file.keys():
            tensor = file.get_tensor(name)
            assert sha256(tensor.tobytes()) == file.metadata()[f"sha256 {name}"], name
            whole, _, elements = name.partition("#")
            begin, end = map(int, elements.split(":")) if elements else (0, tensor.size)
            parts.setdefault(whole, []).append((begin, end, tensor.reshape(-1)))


def joined(name: str) -> np.ndarray:
    found = sorted(parts.pop(name), key=lambda part: part[0])
    assert [0] + [end for _, end, _ in found][:-1] == [begin for begin, _, _ in found], name
    return np.concatenate([values for _, _, values in found])


for tensor in manifest["tensors"]:
    values = joined(tensor["names"][0]).reshape(tensor["shape"])
    for name in tensor["names"]:
        assert np.array_equal(exported.pop(name), values), name
    for state in range(len(manifest["optimizer"]["states"]) if tensor["rule"] == "optimize" else 0):
        assert joined(f"optimizer.{state}.{tensor['names'][0]}").size == values.size
assert not parts and not exported, (parts.keys(), exported.keys())
