#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# The scripts of trainer/examples/data write what their configurations read: data_examples_test.sh RUNNEL.
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
check images images.npz "$1"
check tokens tokens.bin "$1" --tokens uint16
check table table.csv "$1"
echo "each example's data are what its configuration reads"
