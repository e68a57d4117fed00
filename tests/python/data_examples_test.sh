#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# The scripts of trainer/examples/data write what their configurations read, and models learn from it:
# data_examples_test.sh RUNNEL.
set -euo pipefail
examples=$(cd "$(dirname "$0")/../../trainer/examples/data" && pwd)
python=${RUNNEL_TEST_PYTHON:-${RUNNEL_DEPS:-$HOME/.cache/runnel}/python/bin/python}
if ! found=$("$python" -c "import numpy" 2>&1); then
  echo "SKIPPED, NOT TESTED: no NumPy in $python: ${found##*$'\n'}; RUNNEL_TEST_PYTHON names another"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# check NAME FILE RUNNEL [OPTION…]: NAME.toml has the lines that `inspect` suggests for FILE, but for the path and the
# context.
check() {
  local name=$1 file=$2 line
  shift 2
  "$python" "$examples/make_$name.py" "$work"
  "$1" inspect "$work/$file" "${@:2}" >"$work/found"
  while read -r line; do
    grep -qF "$line" "$examples/$name.toml" || { echo "FAILED: $name.toml does not have: $line"; exit 1; }
  done < <(sed -n '/^\[data\]/,$p' "$work/found" | grep -v '^path' | sed 's/context = 128/context = 64/')
}
# learn NAME FILE RUNNEL LOSS: 50 steps bring the loss below LOSS.
learn() {
  "$3" train "$examples/$1.toml" -n 2 --set "data.path=\"$work/$2\"" --report "$work/$1.json" >/dev/null
  "$python" - "$work/$1.json" "$4" <<'PYTHON'
import json, sys
step, loss = json.load(open(sys.argv[1]))["loss"][-1]
sys.exit(f"FAILED: {sys.argv[1]}: loss {loss} after step {step + 1}" if step != 49 or loss > float(sys.argv[2]) else 0)
PYTHON
}
check images images.npz "$1"
check tokens tokens.bin "$1" --tokens uint16
check table table.csv "$1"
learn images images.npz "$1" 0.8
learn tokens tokens.bin "$1" 1.9
learn table table.csv "$1" 0.03
echo "each example's data are what its configuration reads, and a model learns from them"
