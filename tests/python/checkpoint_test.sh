#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Python's own safetensors reads a checkpoint, and what is exported from it: checkpoint_test.sh SMALL_RUN RUNNEL.
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
python=${RUNNEL_TEST_PYTHON:-${RUNNEL_DEPS:-$HOME/.cache/runnel}/python/bin/python}
if ! found=$("$python" -c "import numpy, safetensors" 2>&1); then
  echo "SKIPPED, NOT TESTED: no NumPy and safetensors in $python: ${found##*$'\n'}; RUNNEL_TEST_PYTHON names another"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" "$work/ckpt" 2
"$2" checkpoints "$work/ckpt" --export "$work/net.safetensors"
"$python" "$folder/checkpoint_files.py" "$work/ckpt/step-2" "$work/net.safetensors"
echo "Python reads checkpoints, and finds every digest right"
