#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# A module of PyTorch's goes to runnel and its weights come back, by Python's own code: round_trip_test.sh RUNNEL.
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
python=${RUNNEL_TEST_PYTHON:-${RUNNEL_DEPS:-$HOME/.cache/runnel}/python/bin/python}
if ! found=$("$python" -c "import torch, safetensors.torch" 2>&1); then
  echo "SKIPPED, NOT TESTED: no PyTorch and safetensors in $python: ${found##*$'\n'}; RUNNEL_TEST_PYTHON names another"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" "$folder/round_trip.py" "$1" "$work"
echo "PyTorch loads what runnel saves, and runnel what PyTorch saves"
