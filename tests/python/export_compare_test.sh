#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# export_model.py refuses what holds for some batches only, and warns of another computation in eval().
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
python=${RUNNEL_TEST_PYTHON:-${RUNNEL_DEPS:-$HOME/.cache/runnel}/python/bin/python}
if ! found=$("$python" -c "import torch" 2>&1); then
  echo "SKIPPED, NOT TESTED: no PyTorch in $python: ${found##*$'\n'}; RUNNEL_TEST_PYTHON names another"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" "$folder/export_compare.py" "$work"
echo "export_model.py compares the module with its export"
